"""Turns: so many at once of the same name, the others in the order in which they came."""

from asyncio import Semaphore, get_running_loop, timeout
from collections.abc import AsyncIterator, Callable
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
            await _granted(queue.turns, wait, self._refusal)
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
        await _granted(self._turns, self._wait, self._refusal)
        began = monotonic()
        try:
            yield
        finally:
            get_running_loop().call_later(PAUSE * (monotonic() - began), self._turns.release)


async def _granted(turns: Semaphore, wait: float, refusal: Callable[[], Exception]) -> None:
    try:
        async with timeout(wait):
            await turns.acquire()
    except TimeoutError:
        raise refusal() from None
