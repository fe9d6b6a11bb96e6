"""Limits on concurrent callers and on memory; waiting is bounded, and in order of arrival."""

from asyncio import Event, Semaphore, get_running_loop, timeout
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

# A pause this many times as long as the turn before it leaves two thirds of the time to other work.
PAUSE_FACTOR = 2


@dataclass
class _Queue:
    turns: Semaphore
    callers: int = 0


class KeyedLimit:
    """At most `at_once` callers at a time per key. Keys without callers take no memory."""

    def __init__(self, at_once: int, refusal: Callable[[], Exception]) -> None:
        """Callers whose wait times out get the refusal."""
        self._at_once = at_once
        self._refusal = refusal
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def turn(self, key: str, wait: float) -> AsyncIterator[None]:
        """Run the block in turn, or raise the refusal after `wait` seconds."""
        queue = self._queues.setdefault(key, _Queue(Semaphore(self._at_once)))
        queue.callers += 1
        try:
            await _granted(queue.turns.acquire(), wait, self._refusal)
            try:
                yield
            finally:
                queue.turns.release()
        finally:
            queue.callers -= 1
            if not queue.callers:
                del self._queues[key]


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
