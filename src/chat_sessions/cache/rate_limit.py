"""The rate limit per user."""

from math import ceil

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.errors import TooManyRequests
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics

MICROSECONDS_PER_MINUTE = 60_000_000


class RateLimit:
    """Counts the requests of each user in Redis (GCRA, in `lua/admit.lua`), for all workers together.

    While Redis is away it admits everybody: no request fails because of Redis.
    """

    def __init__(self, link: RedisLink, settings: Settings, metrics: Metrics) -> None:
        self._link = link
        self._unlimited = metrics.unlimited_requests
        self._interval = MICROSECONDS_PER_MINUTE // settings.rate_limit
        self._burst = settings.rate_burst

    async def admit(self, user: str) -> None:
        """Count a request of the user, or raise TooManyRequests."""
        if not self._link.lease.valid:
            self._unlimited.inc()
            return
        try:
            wait = await self._link.run("admit", [UserKeys(user).rate], [self._interval, self._burst])
        except RedisAway:
            self._unlimited.inc()
            return
        if wait:
            raise TooManyRequests(ceil(wait / 1_000_000))
