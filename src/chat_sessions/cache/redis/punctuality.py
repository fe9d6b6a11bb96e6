"""A time limit that tells a silent server from an event loop that is late."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
# A loop that wakes a timer this much later has had no time for the answer either.
LATE_SECONDS = 0.02
# Of a loop that is always late, so that it ends.
MOST_EXTENSIONS = 20


async def within(seconds: float, call: Coroutine[Any, Any, T]) -> T:
    """Return what the call returns, or raise TimeoutError when it has had that much time of a punctual loop."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(call)
    try:
        for _ in range(MOST_EXTENSIONS):
            due = loop.time() + seconds
            done, _ = await asyncio.wait([task], timeout=seconds)
            if done:
                return task.result()
            if loop.time() - due < LATE_SECONDS:
                break
        raise TimeoutError
    finally:
        # It may fail before it hears of that, and then nobody else asks why.
        task.add_done_callback(_heard)
        task.cancel()


def _heard(task: asyncio.Task[T]) -> None:
    if not task.cancelled():
        task.exception()
