"""Sends a receiver its deliveries: at least once, and a user's changes in order."""

import asyncio
import math
import random
from collections.abc import Sequence
from typing import NoReturn
from urllib.parse import urlsplit

import structlog

from chat_sessions.background import forever
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.settings import Settings
from chat_sessions.store.webhook_queue import Delivery, WebhookQueue
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.webhooks.client import TIMEOUT_SECONDS, NotDelivered, WebhookClient
from chat_sessions.webhooks.message import message_of

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
AT_ONCE = 20
# If the worker dies meanwhile, another one delivers again after this time.
LEASE_SECONDS = 2 * TIMEOUT_SECONDS
FIRST_DELAY = 5.0
LONGEST_DELAY = 3600.0
# After this many doublings the longest delay is reached.
MAX_DOUBLINGS = 10
JITTER = 0.2


def delay_after(attempts: int) -> float:
    """Return the seconds to wait after that many attempts."""
    delay = min(LONGEST_DELAY, math.ldexp(FIRST_DELAY, min(attempts - 1, MAX_DOUBLINGS)))
    return delay * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  jitter


class Courier:
    """Delivers to one receiver. Several workers share its deliveries.

    It never gives up on a delivery: a receiver that was down for days still gets all of them.
    """

    def __init__(
        self, receiver: str, queue: WebhookQueue, client: WebhookClient, settings: Settings, metrics: Metrics
    ) -> None:
        self._receiver = receiver
        self._host = urlsplit(receiver).netloc
        self._queue = queue
        self._client = client
        self._secrets = [secret.get_secret_value() for secret in settings.webhook_secret]
        self._deliveries = metrics.webhook_deliveries
        # While the receiver is down, only one delivery at a time is tried.
        self._is_away = False

    async def run(self) -> NoReturn:
        """Deliver until cancelled."""
        await forever("webhooks", self._deliver_all, pause=POLL_SECONDS, outages=(DatabaseUnavailable,))

    async def _deliver_all(self) -> None:
        while await self.deliver():
            pass

    async def deliver(self) -> bool:
        """Deliver what is due; return whether there may be more."""
        claimed = await self._queue.claim(self._receiver, lease=LEASE_SECONDS, limit=1 if self._is_away else AT_ONCE)
        arrived = await asyncio.gather(*(self._try(each) for each in claimed))
        self._note_state(claimed, arrived)
        return any(arrived)

    async def _try(self, delivery: Delivery) -> bool:
        try:
            await self._client.post(self._receiver, message_of(delivery, self._secrets))
        except NotDelivered as error:
            self._deliveries.labels(self._host, "failed").inc()
            delay = max(delay_after(delivery.attempts), min(error.retry_after or 0, LONGEST_DELAY))
            await self._queue.postpone(delivery, delay, str(error))
            log.info("webhook.not_delivered", receiver=self._host, attempts=delivery.attempts, error=str(error))
            return False
        await self._queue.finish(delivery)
        self._deliveries.labels(self._host, "delivered").inc()
        return True

    def _note_state(self, claimed: Sequence[Delivery], arrived: Sequence[bool]) -> None:
        if not claimed:
            return
        was_away, self._is_away = self._is_away, not any(arrived)
        if self._is_away and not was_away:
            log.warning("webhook.receiver_away", receiver=self._host)
        elif was_away and not self._is_away:
            log.info("webhook.receiver_back", receiver=self._host)
