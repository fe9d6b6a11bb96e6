"""Turns: so many at once of the same name, the others in the order in which they came."""

from asyncio import Semaphore, timeout
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass


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
            await self._granted(queue.turns, wait)
            try:
                yield
            finally:
                queue.turns.release()
        finally:
            queue.callers -= 1
            if not queue.callers:
                del self._queues[name]

    async def _granted(self, turns: Semaphore, wait: float) -> None:
        try:
            async with timeout(wait):
                await turns.acquire()
        except TimeoutError:
            raise self._refusal() from None
