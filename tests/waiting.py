"""Waiting for a condition, with a limit."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

LIMIT_SECONDS = 20.0
POLL_SECONDS = 0.01


async def until(condition: Callable[[], Awaitable[bool]], limit: float = LIMIT_SECONDS) -> None:
    """Return when the condition holds; fail when it still does not after `limit` seconds."""
    deadline = monotonic() + limit
    while not await condition():
        assert monotonic() < deadline, f"not so after {limit} s"
        await asyncio.sleep(POLL_SECONDS)
