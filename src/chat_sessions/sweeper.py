"""Drains the outbox, so that no eviction is ever lost, and says when the cache may be trusted again."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from time import monotonic
from typing import NoReturn, cast

import structlog

from chat_sessions.cache import Change, ChangeKind, SessionCache
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.outbox import Note, Outbox
from chat_sessions.redis_line.link import RedisAway, RedisLink
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_BURIALS = 60.0


class Sweeper:
    """One of each worker; together they do each piece of work once."""

    def __init__(
        self, outbox: Outbox, cache: SessionCache, link: RedisLink, settings: Settings, metrics: Metrics
    ) -> None:
        self._outbox = outbox
        self._cache = cache
        self._link = link
        self._settings = settings
        self._metrics = metrics
        self._buried_at = float("-inf")

    async def run(self) -> NoReturn:
        """Sweep until cancelled."""
        while True:
            try:
                await self.sweep()
                await self._forget_tombstones()
            except (RedisAway, DatabaseUnavailable) as error:
                log.info("sweep.postponed", error=repr(error.__cause__ or error))
            except Exception:
                # Without the sweeper evictions would be lost: no error of one round may end it.
                log.exception("sweep.failed")
            await asyncio.sleep(self._settings.sweep_interval)

    async def watch(self) -> NoReturn:
        """Notice that Redis is away even when no request does: other workers count on it (`SessionCache.evict`)."""
        while True:
            await asyncio.sleep(self._settings.sweep_interval)
            try:
                await self._link.ping()
            except RedisAway:
                log.debug("redis.away")

    async def sweep(self) -> None:
        """Make good what is in the outbox; raise RedisAway or DatabaseUnavailable."""
        failures = self._link.failures
        await self._link.ping()
        backlog = await self._outbox.backlog()
        self._metrics.outbox_depth.set(backlog.depth)
        self._metrics.outbox_age.set(backlog.age)
        drain = not self._link.trusted
        if drain or backlog.depth:
            while await self._sweep_some(wait=drain):
                pass
        self._link.trust_again(failures)

    async def _sweep_some(self, *, wait: bool) -> bool:
        async with self._outbox.take(wait=wait) as notes:
            for user, changes in _by_user(notes).items():
                await self._cache.forget(user, changes, swept=True)
        self._metrics.swept.inc(len(notes))
        return bool(notes)

    async def _forget_tombstones(self) -> None:
        if monotonic() - self._buried_at < SECONDS_BETWEEN_BURIALS:
            return
        while await self._outbox.forget_tombstones(older_than_hours=self._settings.tombstone_hours):
            pass
        self._buried_at = monotonic()


def _by_user(notes: Sequence[Note]) -> dict[str, list[Change]]:
    changes = defaultdict[str, list[Change]](list)
    for note in notes:
        changes[note.user].append(Change(note.session_id, cast("ChangeKind", note.change)))
    return changes
