"""A timeout that tells a silent server from a late event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
# A loop whose timer fires this late has had no time to read the response either.
LATE_SECONDS = 0.02
# Ends the wait in a loop that is always late.
MAX_EXTENSIONS = 20


async def within(seconds: float, call: Coroutine[Any, Any, T]) -> T:
    """Return the result of the call; raise TimeoutError once a punctual loop has given it that much time."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(call)
    try:
        for _ in range(MAX_EXTENSIONS):
            due = loop.time() + seconds
            done, _ = await asyncio.wait([task], timeout=seconds)
            if done:
                return task.result()
            if loop.time() - due < LATE_SECONDS:
                break
        raise TimeoutError
    finally:
        # The task may fail before it is cancelled, and nothing else would retrieve that exception.
        task.add_done_callback(_retrieve_exception)
        task.cancel()


def _retrieve_exception(task: asyncio.Task[T]) -> None:
    if not task.cancelled():
        task.exception()
