"""Evicts what a writer has changed, and keeps retrying while another worker could still serve it."""

import asyncio
from time import monotonic

import structlog

from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.cache.session_cache import SessionCache
from chat_sessions.contract.changes import Changes, count_of
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.telemetry.pseudonyms import pseudonyms

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.05
# For how many lease durations to keep retrying while Redis responds to pings, but not to evictions.
FUTILE_LEASES = 3


class Evictor:
    """Never raises RedisAway: the outbox records every skipped eviction, and the sweeper repeats it."""

    def __init__(self, cache: SessionCache, link: RedisLink, settings: Settings, metrics: Metrics) -> None:
        self._cache = cache
        self._lease = link.lease
        self._evictions = metrics.evictions
        self._name_of = pseudonyms(settings.log_user_key)

    async def evict(self, user: str, changes: Changes) -> bool:
        """Return whether the cache has evicted the changed sessions.

        While Redis is away this retries until the lease of every other worker has ended; from then on no worker serves
        what could not be evicted.
        """
        started = monotonic()
        while True:
            try:
                await self._cache.evict(user, changes)
            except RedisAway:
                if self._is_futile(monotonic() - started):
                    self._give_up(user, count_of(changes))
                    return False
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._evictions.labels("done").inc(count_of(changes))
                return True

    def _is_futile(self, tried_for: float) -> bool:
        duration = self._lease.duration
        return self._lease.failing_for() >= duration or tried_for >= FUTILE_LEASES * duration

    def _give_up(self, user: str, count: int) -> None:
        self._lease.lose("an eviction was given up")
        self._evictions.labels("skipped").inc(count)
        log.warning("eviction.skipped", user=self._name_of(user), changes=count)
