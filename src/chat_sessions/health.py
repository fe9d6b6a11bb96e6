"""Whether the service can do its work."""

from typing import Literal

from chat_sessions.database import SessionStore
from chat_sessions.errors import ShuttingDown
from chat_sessions.redis_line.link import RedisLink
from chat_sessions.schemas import Readiness
from chat_sessions.web.drain import Drain


class Health:
    """Asks the parts."""

    def __init__(self, store: SessionStore, link: RedisLink, drain: Drain) -> None:
        self._store = store
        self._link = link
        self._drain = drain

    async def readiness(self) -> Readiness:
        """Return how the service is; raise DatabaseUnavailable or ShuttingDown if it is not to be asked."""
        if self._drain.under_way:
            raise ShuttingDown
        await self._store.answers()
        cache: Literal["ok", "degraded"] = "ok" if self._link.trusted else "degraded"
        return Readiness(status=cache, database="ok", cache=cache)
