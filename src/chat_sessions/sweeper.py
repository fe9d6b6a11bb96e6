"""Repeats the eviction of every change in the outbox, so that none is lost, and restores trust in the cache."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from time import monotonic
from typing import NoReturn, cast

from chat_sessions.background import forever
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.cache.session_cache import SessionCache
from chat_sessions.contract.changes import Change, ChangeKind
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.settings import Settings
from chat_sessions.store.outbox import NOTES_PER_SWEEP, Note, Outbox
from chat_sessions.telemetry.metrics import Metrics

SECONDS_BETWEEN_TOMBSTONE_SWEEPS = 60.0
USERS_AT_ONCE = 20
# One late ping must not cost the lease.
PINGS_PER_INTERVAL = 2
# Several other workers may be sweeping a full batch each.
MAX_NOTES_IN_FLIGHT = 10 * NOTES_PER_SWEEP


class Sweeper:
    """One per worker; together they sweep each note once."""

    def __init__(
        self, outbox: Outbox, cache: SessionCache, link: RedisLink, settings: Settings, metrics: Metrics
    ) -> None:
        self._outbox = outbox
        self._cache = cache
        self._link = link
        self._lease = link.lease
        self._settings = settings
        self._metrics = metrics
        self._tombstones_swept_at = float("-inf")
        self._oldest: str | None = None
        self._oldest_since = monotonic()

    async def run(self) -> NoReturn:
        """Sweep until cancelled."""
        outages = (RedisAway, DatabaseUnavailable)
        await forever("sweep", self._round, pause=self._settings.sweep_interval, outages=outages)

    async def watch(self) -> NoReturn:
        """Keep extending the lease, which expires without pings."""
        pause = self._settings.sweep_interval / PINGS_PER_INTERVAL
        await forever("ping", self._link.ping, pause=pause, outages=(RedisAway,))

    async def _round(self) -> None:
        await self.sweep()
        await self._expire_tombstones()

    async def sweep(self) -> None:
        """Evict what the outbox holds; raise RedisAway or DatabaseUnavailable."""
        losses = self._lease.losses
        await self._link.ping()
        backlog = await self._outbox.backlog()
        self._metrics.outbox_depth.set(backlog.depth)
        self._metrics.outbox_age.set(backlog.age)
        if self._is_stuck(backlog.oldest):
            await self._evict_stuck()
        if backlog.depth:
            while await self._sweep_batch():
                pass
        if self._lease.valid or await self._evict_in_flight():
            self._lease.restore(losses)

    def _is_stuck(self, oldest: str | None) -> bool:
        """Return whether the oldest note has been the same for longer than a lease."""
        if oldest is None or oldest != self._oldest:
            self._oldest, self._oldest_since = oldest, monotonic()
        return monotonic() - self._oldest_since > self._lease.duration

    async def _evict_stuck(self) -> None:
        """Evict notes that a dead worker may hold. A Redis that responds only to pings is not trusted."""
        try:
            await self._evict_in_flight()
        except RedisAway:
            self._lease.lose("an eviction was given up")
            raise
        self._oldest_since = monotonic()

    async def _sweep_batch(self) -> bool:
        """Return whether there may be more."""
        async with self._outbox.take() as notes:
            await self._evict(notes)
        self._metrics.swept.inc(len(notes))
        return len(notes) == NOTES_PER_SWEEP

    async def _evict_in_flight(self) -> bool:
        """Evict all notes, including those that other sweepers hold, and return whether that was all of them.

        Waiting for the other sweepers would mean waiting for a worker that may have died with its locks. One snapshot
        is enough: a writer that commits after it is still evicting, and retries until the other workers' leases end.
        """
        notes = await self._outbox.read(MAX_NOTES_IN_FLIGHT)
        await self._evict(notes)
        return len(notes) < MAX_NOTES_IN_FLIGHT

    async def _evict(self, notes: Sequence[Note]) -> None:
        users = list(_by_user(notes).items())
        for start in range(0, len(users), USERS_AT_ONCE):
            batch = users[start : start + USERS_AT_ONCE]
            await asyncio.gather(*(self._cache.evict(user, changes, swept=True) for user, changes in batch))

    async def _expire_tombstones(self) -> None:
        if monotonic() - self._tombstones_swept_at < SECONDS_BETWEEN_TOMBSTONE_SWEEPS:
            return
        while await self._outbox.expire_tombstones(older_than_hours=self._settings.tombstone_hours):
            pass
        self._tombstones_swept_at = monotonic()


def _by_user(notes: Sequence[Note]) -> dict[str, list[Change]]:
    changes = defaultdict[str, list[Change]](list)
    for note in notes:
        changes[note.user].append(Change(note.session_id, cast("ChangeKind", note.change)))
    return changes
