"""A worker's webhooks without its API: in this process, or as `python -m tests.couriers` in one that a test kills."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat_sessions.settings import Settings, load_settings
from chat_sessions.store.prisma.client import prisma_client
from chat_sessions.store.webhook_queue import WebhookQueue
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.webhooks import courier
from chat_sessions.webhooks.dispatch import Dispatch

POLL_SECONDS = 0.05


async def deliver(settings: Settings) -> None:
    async with prisma_client(settings) as prisma:
        await Dispatch(WebhookQueue(prisma), settings, Metrics()).run()


@asynccontextmanager
async def delivering(settings: Settings) -> AsyncIterator[None]:
    """Deliver during the block."""
    task = asyncio.create_task(deliver(settings))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    courier.POLL_SECONDS = POLL_SECONDS
    asyncio.run(deliver(load_settings()))
