"""Evicts what a command has changed, as the service would."""

from collections.abc import Sequence
from time import monotonic

from chat_sessions.cache.evictor import Evictor
from chat_sessions.cache.redis.lease import Lease
from chat_sessions.contract.changes import Change

RETRY_SECONDS = 1.0


class CommandEvictor:
    """Counts what it had to skip because Redis is away: the outbox remembers it, and the service makes it good."""

    def __init__(self, evictor: Evictor, lease: Lease) -> None:
        self.skipped = 0
        self._evictor = evictor
        self._lease = lease
        self._retry_at = float("-inf")

    async def evict(self, user: str, changes: Sequence[Change]) -> bool:
        """Return whether the cache has forgotten the changed sessions of a user."""
        if monotonic() >= self._retry_at:
            losses = self._lease.losses
            if await self._evictor.evict(user, changes):
                # A command reads nothing from the cache; what it trusts again is that Redis answers.
                self._lease.restore(losses)
                return True
            self._retry_at = monotonic() + RETRY_SECONDS
        self.skipped += len(changes)
        return False
