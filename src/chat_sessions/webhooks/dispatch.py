"""Runs a courier for each configured receiver, and measures the backlog."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from chat_sessions.background import eventually, forever
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.settings import Settings
from chat_sessions.store.webhook_queue import ReceiverBacklog, WebhookQueue
from chat_sessions.telemetry.metrics import Metrics

TASK = "webhooks"
OUTAGES = (DatabaseUnavailable,)
SECONDS_BETWEEN_ATTEMPTS = 2.0
SECONDS_BETWEEN_MEASUREMENTS = 10.0


class Dispatch:
    """The webhooks of one worker; the workers share the deliveries."""

    def __init__(self, queue: WebhookQueue, settings: Settings, metrics: Metrics) -> None:
        self._queue = queue
        self._settings = settings
        self._metrics = metrics

    async def run(self) -> None:
        """Store the receivers in the database and, if there are any, deliver until cancelled."""
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
            measuring = forever(TASK, self._measure, pause=SECONDS_BETWEEN_MEASUREMENTS, outages=OUTAGES)
            tasks.create_task(measuring)

    async def _configure(self) -> None:
        configure = partial(self._queue.configure, self._settings.webhook_url, self._settings.webhook_events)
        await eventually(TASK, configure, pause=SECONDS_BETWEEN_ATTEMPTS, outages=OUTAGES)

    async def _measure(self) -> None:
        for host, backlogs in by_host(await self._queue.backlog()).items():
            self._metrics.webhook_waiting.labels(host).set(sum(each.waiting for each in backlogs))
            self._metrics.webhook_age.labels(host).set(max(each.age for each in backlogs))


def by_host(backlogs: Iterable[ReceiverBacklog]) -> Mapping[str, Sequence[ReceiverBacklog]]:
    """Group backlogs as metrics name them: paths may contain secrets."""
    hosts: defaultdict[str, list[ReceiverBacklog]] = defaultdict(list)
    for each in backlogs:
        hosts[urlsplit(each.receiver).netloc].append(each)
    return hosts
