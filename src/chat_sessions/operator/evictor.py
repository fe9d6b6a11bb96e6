"""Evicts the sessions that a command has changed."""

from collections.abc import Sequence
from time import monotonic

from chat_sessions.cache.evictor import Evictor
from chat_sessions.cache.redis.lease import Lease
from chat_sessions.contract.changes import Change

RETRY_SECONDS = 1.0


class CommandEvictor:
    """Evicts, or counts as skipped while Redis is unavailable: the service's sweeper evicts those from the outbox."""

    def __init__(self, evictor: Evictor, lease: Lease) -> None:
        self.skipped = 0
        self._evictor = evictor
        self._lease = lease
        self._retry_at = float("-inf")

    async def evict(self, user: str, changes: Sequence[Change]) -> bool:
        """Evict a user's changed sessions; return whether Redis did it."""
        if monotonic() >= self._retry_at:
            losses = self._lease.losses
            if await self._evictor.evict(user, changes):
                # A command reads nothing from the cache, so it need not drain the outbox first.
                self._lease.restore(losses)
                return True
            self._retry_at = monotonic() + RETRY_SECONDS
        self.skipped += len(changes)
        return False
