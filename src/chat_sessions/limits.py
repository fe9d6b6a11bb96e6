"""Limits on concurrent callers and on memory; waiting is bounded, and in order of arrival."""

from asyncio import CancelledError, Event, Future, Semaphore, get_running_loop, timeout
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from time import monotonic

# A pause this many times as long as the turn before it leaves two thirds of the time to other work.
PAUSE_FACTOR = 2


class KeyedLimit:
    """At most `at_once` callers at a time per key. Keys without callers take no memory.

    Every query takes a turn. Semaphores, a timeout and a generator for the block would take 5 % of an uncached read.
    """

    def __init__(self, at_once: int, refusal: Callable[[], Exception]) -> None:
        """Callers whose wait times out get the refusal."""
        self._at_once = at_once
        self._refusal = refusal
        self._taken: dict[str, int] = {}
        # Whoever gave up stays until a turn is passed on.
        self._waiting: dict[str, deque[Future[None]]] = {}

    def turn(self, key: str, wait: float) -> "Turn":
        """Return a context that runs its block in turn, or raises the refusal after `wait` seconds."""
        return Turn(self, key, wait)

    async def take(self, key: str, wait: float) -> None:
        """Take a turn as soon as one is free; raise the refusal after `wait` seconds."""
        taken = self._taken.get(key, 0)
        if taken < self._at_once:
            self._taken[key] = taken + 1
        else:
            await self._passed_on(key, wait)

    def pass_on(self, key: str) -> None:
        """Pass a turn on to the caller that has waited longest, or free it."""
        waiting = self._waiting.get(key)
        while waiting:
            if not (passed := waiting.popleft()).done():
                passed.set_result(None)
                return
        self._waiting.pop(key, None)
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]

    async def _passed_on(self, key: str, wait: float) -> None:
        loop = get_running_loop()
        passed: Future[None] = loop.create_future()
        self._waiting.setdefault(key, deque()).append(passed)
        timer = loop.call_later(wait, self._refuse, passed)
        try:
            await passed
        except CancelledError:
            if not passed.cancelled() and passed.exception() is None:
                # The turn had just been passed on to this caller.
                self.pass_on(key)
            raise
        finally:
            timer.cancel()

    def _refuse(self, passed: Future[None]) -> None:
        if not passed.done():
            passed.set_exception(self._refusal())


class Turn:
    """The context of a block that waits for its turn."""

    def __init__(self, limit: KeyedLimit, key: str, wait: float) -> None:
        self._limit = limit
        self._key = key
        self._wait = wait

    async def __aenter__(self) -> None:
        await self._limit.take(self._key, self._wait)

    async def __aexit__(self, *_: object) -> None:
        self._limit.pass_on(self._key)


class PacedLimit:
    """One caller at a time, with a pause after each in proportion to its turn."""

    def __init__(self, wait: float, refusal: Callable[[], Exception]) -> None:
        """Callers that wait longer than `wait` seconds get the refusal."""
        self._turns = Semaphore(1)
        self._wait = wait
        self._refusal = refusal

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Run the block in turn, or raise the refusal."""
        await _granted(self._turns.acquire(), self._wait, self._refusal)
        started = monotonic()
        try:
            yield
        finally:
            get_running_loop().call_later(PAUSE_FACTOR * (monotonic() - started), self._turns.release)


class ByteBudget:
    """A number of bytes shared by all holders. When too few are left, callers wait until others release theirs.

    One holder at a time may overdraw it: otherwise holders that each have a part and need more would deadlock.
    """

    def __init__(self, size: int, wait: float, refusal: Callable[[], Exception]) -> None:
        """Callers that wait longer than `wait` seconds get the refusal."""
        self.left = size
        self._wait = wait
        self._refusal = refusal
        self._held: Counter[Hashable] = Counter()
        self._overdrawn_by: Hashable | None = None
        self._released = Event()

    async def acquire(self, holder: Hashable, amount: int) -> None:
        """Acquire more for a holder, or raise the refusal."""
        if not self._suffices(holder, amount):
            await _granted(self._sufficient(holder, amount), self._wait, self._refusal)
        if self.left < amount:
            self._overdrawn_by = holder
        self.left -= amount
        self._held[holder] += amount

    def release(self, holder: Hashable) -> None:
        """Release all that a holder has, if anything."""
        self.left += self._held.pop(holder, 0)
        if self._overdrawn_by == holder:
            self._overdrawn_by = None
        self._released.set()
        self._released.clear()

    def _suffices(self, holder: Hashable, amount: int) -> bool:
        return self.left >= amount or self._overdrawn_by in (None, holder)

    async def _sufficient(self, holder: Hashable, amount: int) -> None:
        while not self._suffices(holder, amount):
            await self._released.wait()


async def _granted(turn: Awaitable[object], wait: float, refusal: Callable[[], Exception]) -> None:
    try:
        async with timeout(wait):
            await turn
    except TimeoutError:
        raise refusal() from None
