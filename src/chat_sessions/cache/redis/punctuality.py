"""A timeout that tells a silent server from a late event loop."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")
# A loop whose timer fires this late has had no time to read the response either.
LATE_SECONDS = 0.02
# Ends the wait in a loop that is always late.
MAX_EXTENSIONS = 20


async def within(seconds: float, call: Awaitable[T]) -> T:
    """Return the result of the call; raise TimeoutError once a punctual loop has given it that much time."""
    async with asyncio.timeout(None) as scope:
        timer = _Timer(seconds, scope)
        try:
            return await call
        except Exception as error:
            # A call that is cancelled may fail otherwise.
            if scope.expired():
                raise asyncio.CancelledError from error
            raise
        finally:
            timer.stop()


class _Timer:
    """Expires a timeout. asyncio's own timer would do so however late it fires."""

    def __init__(self, seconds: float, scope: asyncio.Timeout) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._scope = scope
        self._extensions = 0
        self._start()

    def stop(self) -> None:
        self._handle.cancel()

    def _start(self) -> None:
        self._due = self._loop.time() + self._seconds
        self._handle = self._loop.call_at(self._due, self._end)

    def _end(self) -> None:
        now = self._loop.time()
        if now - self._due < LATE_SECONDS or self._extensions == MAX_EXTENSIONS:
            self._scope.reschedule(now)
        else:
            self._extensions += 1
            self._start()
