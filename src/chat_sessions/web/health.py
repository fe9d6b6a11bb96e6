"""Whether the service is ready."""

from typing import Literal

from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.contract.schemas import Readiness
from chat_sessions.errors import DatabaseUnavailable, NotReady, ShuttingDown
from chat_sessions.store.preconditions import Preconditions
from chat_sessions.web.drain import Drain


class Health:
    """Checks what the service depends on."""

    def __init__(self, preconditions: Preconditions, link: RedisLink, drain: Drain) -> None:
        self._preconditions = preconditions
        self._link = link
        self._drain = drain

    async def readiness(self) -> Readiness:
        """Return the readiness; raise NotReady or ShuttingDown."""
        if self._drain.in_progress:
            raise ShuttingDown
        try:
            await self._preconditions.check()
        except DatabaseUnavailable as error:
            raise NotReady(error.reason) from error
        cache: Literal["ok", "degraded"] = "ok" if self._link.lease.valid else "degraded"
        return Readiness(status=cache, database="ok", cache=cache)
