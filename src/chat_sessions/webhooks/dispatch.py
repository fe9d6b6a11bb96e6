"""Runs a courier for each configured receiver, and measures what waits."""

import asyncio
from urllib.parse import urlsplit

import structlog

from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.settings import Settings
from chat_sessions.store.webhook_queue import WebhookQueue
from chat_sessions.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_ATTEMPTS = 2.0
SECONDS_BETWEEN_MEASUREMENTS = 10.0


class Dispatch:
    """The webhooks of one worker; the workers share the deliveries."""

    def __init__(self, queue: WebhookQueue, settings: Settings, metrics: Metrics) -> None:
        self._queue = queue
        self._settings = settings
        self._metrics = metrics

    async def run(self) -> None:
        """Tell the database who the receivers are, and deliver until cancelled if there are any."""
        await self._configure()
        if not self._settings.webhook_url:
            return
        # Imported here: without webhooks their HTTP client need not be in memory.
        from chat_sessions.webhooks.client import webhook_client  # noqa: PLC0415
        from chat_sessions.webhooks.courier import Courier  # noqa: PLC0415

        async with webhook_client(private=self._settings.webhook_private) as client, asyncio.TaskGroup() as tasks:
            for receiver in self._settings.webhook_url:
                courier = Courier(receiver, self._queue, client, self._settings, self._metrics)
                tasks.create_task(courier.run())
            tasks.create_task(self._measure())

    async def _configure(self) -> None:
        while True:
            try:
                await self._queue.configure(self._settings.webhook_url, self._settings.webhook_events)
            except DatabaseUnavailable:
                log.debug("webhook.postponed")
            except Exception:
                log.exception("webhook.failed")
            else:
                return
            await asyncio.sleep(SECONDS_BETWEEN_ATTEMPTS)

    async def _measure(self) -> None:
        while True:
            try:
                backlog = await self._queue.backlog()
            except DatabaseUnavailable:
                log.debug("webhook.postponed")
            except Exception:
                # No error may end this task, and with it the couriers beside it.
                log.exception("webhook.failed")
            else:
                for each in backlog:
                    host = urlsplit(each.receiver).netloc
                    self._metrics.webhook_waiting.labels(host).set(each.waiting)
                    self._metrics.webhook_age.labels(host).set(each.age)
            await asyncio.sleep(SECONDS_BETWEEN_MEASUREMENTS)
