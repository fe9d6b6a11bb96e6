"""Turns: so many at once of the same name, the others in the order in which they came."""

from asyncio import Event, Semaphore, get_running_loop, timeout
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

# How much longer than a paced turn the pause after it is: a third of the time is for turns, the rest for others.
PAUSE = 2


@dataclass
class Queue:
    """Those of one name."""

    turns: Semaphore
    callers: int = 0


class Turns:
    """Knows only names that somebody waits for or has a turn of."""

    def __init__(self, at_once: int, refusal: Callable[[], Exception]) -> None:
        """Raise the refusal when a wait is over."""
        self._at_once = at_once
        self._refusal = refusal
        self._queues: dict[str, Queue] = {}

    @asynccontextmanager
    async def turn(self, name: str, wait: float) -> AsyncIterator[None]:
        """Run the block when it is its turn, or raise the refusal after `wait` seconds."""
        queue = self._queues.setdefault(name, Queue(Semaphore(self._at_once)))
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
                del self._queues[name]


class Paced:
    """One turn at a time, each followed by a pause in proportion, so that most of the time is left to others."""

    def __init__(self, wait: float, refusal: Callable[[], Exception]) -> None:
        """Raise the refusal after `wait` seconds."""
        self._turns = Semaphore(1)
        self._wait = wait
        self._refusal = refusal

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Run the block when it is its turn, or raise the refusal."""
        await _granted(self._turns.acquire(), self._wait, self._refusal)
        began = monotonic()
        try:
            yield
        finally:
            get_running_loop().call_later(PAUSE * (monotonic() - began), self._turns.release)


class Budget:
    """A number of bytes for all holders together. Whoever needs more than is left waits until others give theirs back.

    One holder at a time may overdraw it: holders who each have a part and need the rest would wait for each other.
    """

    def __init__(self, size: int, wait: float, refusal: Callable[[], Exception]) -> None:
        """Raise the refusal after `wait` seconds."""
        self.left = size
        self._wait = wait
        self._refusal = refusal
        self._taken: Counter[Hashable] = Counter()
        self._overdrawn_by: Hashable | None = None
        self._returned = Event()

    async def take(self, holder: Hashable, amount: int) -> None:
        """Take more for a holder when there is enough, or raise the refusal."""
        if not self._suffices(holder, amount):
            await _granted(self._enough(holder, amount), self._wait, self._refusal)
        if self.left < amount:
            self._overdrawn_by = holder
        self.left -= amount
        self._taken[holder] += amount

    def give_back(self, holder: Hashable) -> None:
        """Return all that a holder has, if anything."""
        self.left += self._taken.pop(holder, 0)
        if self._overdrawn_by == holder:
            self._overdrawn_by = None
        self._returned.set()
        self._returned.clear()

    def _suffices(self, holder: Hashable, amount: int) -> bool:
        return self.left >= amount or self._overdrawn_by in (None, holder)

    async def _enough(self, holder: Hashable, amount: int) -> None:
        while not self._suffices(holder, amount):
            await self._returned.wait()


async def _granted(turn: Awaitable[object], wait: float, refusal: Callable[[], Exception]) -> None:
    try:
        async with timeout(wait):
            await turn
    except TimeoutError:
        raise refusal() from None
