"""Runs background tasks, which survive any error."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

log = structlog.get_logger(__name__)

# Errors that are logged where they are noticed, and only once per outage.
Outages = tuple[type[Exception], ...]


async def forever(task: str, run: Callable[[], Awaitable[object]], *, pause: float, outages: Outages) -> NoReturn:
    """Run a task again and again, with a pause in between, until cancelled."""
    while True:
        await eventually(task, run, pause=pause, outages=outages)
        await asyncio.sleep(pause)


async def eventually(task: str, run: Callable[[], Awaitable[object]], *, pause: float, outages: Outages) -> None:
    """Run a task until it succeeds, with a pause after each failure."""
    while True:
        try:
            await run()
        except outages:
            log.debug("task.postponed", task=task)
        except Exception:
            log.exception("task.failed", task=task)
        else:
            return
        await asyncio.sleep(pause)
