"""Locks in Redis. Callers of one process queue up among themselves, so that one of them asks Redis for all."""

import asyncio
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from secrets import token_hex
from typing import Any, Literal

from chat_sessions.cache.redis.trust import RedisAway, Trust
from chat_sessions.errors import SessionBusy
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.turns import Turns

Run = Callable[[Literal["lock", "unlock"], Sequence[str], Iterable[str | bytes | int]], Awaitable[Any]]
# Shorter than the time in which a writer appends to a session, so that a waiting one is not late.
POLL_SECONDS = 0.01


class Locks:
    """Without Redis there is no lock: the caller's own constraints have to do. This is counted, not hidden."""

    def __init__(self, run: Run, trust: Trust, metrics: Metrics) -> None:
        self._run = run
        self._trust = trust
        self._unlocked = metrics.unlocked_appends
        self._turns = Turns(1, SessionBusy)

    @asynccontextmanager
    async def held(self, name: str, *, ttl: float, wait: float) -> AsyncIterator[None]:
        """Hold a lock, or raise SessionBusy after `wait` seconds."""
        deadline = get_running_loop().time() + wait
        async with self._turns.turn(name, wait):
            token = token_hex(16)
            if not await self._taken(name, token, ttl, deadline):
                self._unlocked.inc()
            try:
                yield
            finally:
                await self._give_back(name, token)

    async def _taken(self, name: str, token: str, ttl: float, deadline: float) -> bool:
        """Return whether it was taken, or that Redis is away; raise SessionBusy when somebody else keeps it."""
        while self._trust.trusted:
            is_late = get_running_loop().time() >= deadline
            try:
                if await self._run("lock", [name], [token, int(ttl * 1000)]):
                    return True
            except RedisAway:
                if is_late:
                    break
            else:
                if is_late:
                    raise SessionBusy
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _give_back(self, name: str, token: str) -> None:
        """Also where Redis did not say that it was taken: it may have been. What fails expires."""
        if self._trust.trusted:
            with suppress(RedisAway):
                await self._run("unlock", [name], [token])
