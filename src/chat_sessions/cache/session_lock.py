"""The session lock in Redis. Callers in one process queue up, so that only the first of them polls Redis."""

import asyncio
from asyncio import get_running_loop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import perf_counter

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.errors import SessionBusy
from chat_sessions.limits import KeyedLimit
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.unique import unique_name

# Less than an append takes, so that a waiting writer soon gets the lock.
POLL_SECONDS = 0.01


class HeldLock:
    """A lock that is held. It is released at the end of the block, unless its token is passed on to the eviction."""

    def __init__(self) -> None:
        self.token = unique_name()
        self.is_passed_on = False

    def pass_on(self) -> str:
        """Return the token, with which the eviction releases the lock in its own round trip."""
        self.is_passed_on = True
        return self.token


class SessionLock:
    """Spares Postgres most contention. Without Redis, writers proceed without the lock, counted and still correct."""

    def __init__(self, link: RedisLink, settings: Settings, metrics: Metrics) -> None:
        self._link = link
        self._ttl_ms = int(settings.lock_ttl * 1000)
        self._wait = settings.lock_wait
        self._waited = metrics.lock_wait
        self._unlocked = metrics.unlocked_appends
        self._turns = KeyedLimit(1, SessionBusy)

    @asynccontextmanager
    async def held(self, user: str, session_id: str) -> AsyncIterator[HeldLock]:
        """Hold a session's lock; raise SessionBusy if another writer keeps it for too long."""
        started, deadline = perf_counter(), get_running_loop().time() + self._wait
        key, held = UserKeys(user).lock(session_id), HeldLock()
        async with self._turns.turn(key, self._wait):
            if not await self._acquire(key, held.token, deadline):
                self._unlocked.inc()
            self._waited.observe(perf_counter() - started)
            try:
                yield held
            finally:
                if not held.is_passed_on:
                    await self._release(key, held.token)

    async def _acquire(self, key: str, token: str, deadline: float) -> bool:
        """Return False if Redis is away; raise SessionBusy at the deadline."""
        while self._link.lease.valid:
            is_late = get_running_loop().time() >= deadline
            try:
                if await self._link.run("lock", [key], [token, self._ttl_ms]):
                    return True
            except RedisAway:
                if is_late:
                    break
            else:
                if is_late:
                    raise SessionBusy
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _release(self, key: str, token: str) -> None:
        """Release the lock even if acquiring it seemed to fail: only the response may have been lost."""
        if self._link.lease.valid:
            with suppress(RedisAway):
                await self._link.run("unlock", [key], [token])
