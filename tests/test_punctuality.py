"""The time limit of a call to Redis."""

import asyncio
import gc
from typing import Any

import pytest

from chat_sessions.cache.redis.punctuality import within


async def test_a_failure_during_a_timeout_is_not_an_unhandled_error() -> None:
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    ended = asyncio.Event()

    async def call() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
            raise ConnectionError("closed while it was given up")

    with pytest.raises(TimeoutError):
        await within(0.001, call())
    await ended.wait()
    # The task is released one turn after its last step, and reports when it is collected.
    await asyncio.sleep(0)
    gc.collect()
    assert unhandled == []


async def test_a_call_that_fails_in_time_raises_its_error() -> None:
    async def call() -> None:
        raise ConnectionError("refused")

    with pytest.raises(ConnectionError, match="refused"):
        await within(1, call())
