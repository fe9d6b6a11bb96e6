"""Drains the outbox, so that no eviction is ever lost, and decides when to trust the cache again."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from time import monotonic
from typing import NoReturn, cast

import structlog

from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.cache.session_cache import Change, ChangeKind, SessionCache
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.settings import Settings
from chat_sessions.store.outbox import NOTES_PER_SWEEP, Note, Outbox
from chat_sessions.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_BURIALS = 60.0
USERS_AT_ONCE = 20
# So that one late ping does not cost the lease.
PINGS_PER_INTERVAL = 2
# Several workers may hold a full sweep each.
MOST_HELD_BY_OTHERS = 10 * NOTES_PER_SWEEP


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
        self._oldest: str | None = None
        self._oldest_since = monotonic()

    async def run(self) -> NoReturn:
        """Sweep until cancelled."""
        while True:
            try:
                await self.sweep()
                await self._forget_tombstones()
            except (RedisAway, DatabaseUnavailable):
                # `cache.lost` and `database.unavailable` have said so already, once.
                log.debug("sweep.postponed")
            except Exception:
                # Without the sweeper evictions would be lost: no error of one round may end it.
                log.exception("sweep.failed")
            await asyncio.sleep(self._settings.sweep_interval)

    async def watch(self) -> NoReturn:
        """Keep up the trust in Redis, which ends by itself when no ping proves it (`Trust`)."""
        while True:
            await asyncio.sleep(self._settings.sweep_interval / PINGS_PER_INTERVAL)
            try:
                await self._link.ping()
            except RedisAway:
                log.debug("redis.away")

    async def sweep(self) -> None:
        """Evict what the outbox holds; raise RedisAway or DatabaseUnavailable."""
        failures = self._link.failures
        await self._link.ping()
        backlog = await self._outbox.backlog()
        self._metrics.outbox_depth.set(backlog.depth)
        self._metrics.outbox_age.set(backlog.age)
        if self._is_stuck(backlog.oldest):
            await self._evict_or_distrust()
        if backlog.depth:
            while await self._sweep_some():
                pass
        if self._link.trusted or await self._evict_the_rest():
            self._link.trust_again(failures)

    def _is_stuck(self, oldest: str | None) -> bool:
        """Return whether no sweeper has cleared the oldest note for as long as a lease lasts."""
        if oldest is None or oldest != self._oldest:
            self._oldest, self._oldest_since = oldest, monotonic()
        return monotonic() - self._oldest_since > self._link.patience

    async def _evict_or_distrust(self) -> None:
        """Evict what a dead sweeper may hold. A Redis that answers pings but no eviction is not to be trusted."""
        try:
            await self._evict_the_rest()
        except RedisAway:
            self._link.give_up()
            raise
        self._oldest_since = monotonic()

    async def _sweep_some(self) -> bool:
        """Return whether there may be more."""
        async with self._outbox.take() as notes:
            await self._evict(notes)
        self._metrics.swept.inc(len(notes))
        return len(notes) == NOTES_PER_SWEEP

    async def _evict_the_rest(self) -> bool:
        """Evict the notes that other sweepers hold as well, and return whether those were all.

        Waiting for them instead would mean waiting for a worker that may have died with its locks. One snapshot is
        enough: whoever commits after it is still evicting, and waits for as long as the other workers need to notice.
        """
        notes = await self._outbox.read(MOST_HELD_BY_OTHERS)
        await self._evict(notes)
        return len(notes) < MOST_HELD_BY_OTHERS

    async def _evict(self, notes: Sequence[Note]) -> None:
        users = list(_by_user(notes).items())
        for start in range(0, len(users), USERS_AT_ONCE):
            some = users[start : start + USERS_AT_ONCE]
            await asyncio.gather(*(self._cache.forget(user, changes, swept=True) for user, changes in some))

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
