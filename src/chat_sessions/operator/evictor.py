"""Evicts what a command has changed, as the service would."""

from collections.abc import Sequence
from time import monotonic

from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.cache.session_cache import Change, SessionCache

RETRY_SECONDS = 1.0


class Evictor:
    """Counts what it had to skip because Redis is away: the outbox remembers it, and the service makes it good."""

    def __init__(self, cache: SessionCache, link: RedisLink) -> None:
        self.skipped = 0
        self._cache = cache
        self._link = link
        self._retry_at = float("-inf")

    async def evict(self, user: str, changes: Sequence[Change]) -> bool:
        """Return whether the cache has forgotten the changed sessions of a user."""
        if monotonic() >= self._retry_at:
            failures = self._link.failures
            if await self._cache.evict(user, changes):
                # A command reads nothing from the cache; what it trusts again is that Redis answers.
                self._link.trust_again(failures)
                return True
            self._retry_at = monotonic() + RETRY_SECONDS
        self.skipped += len(changes)
        return False
