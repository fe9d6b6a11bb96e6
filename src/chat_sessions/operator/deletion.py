"""Deletes unused sessions, and erases users."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.cache.session_cache import SessionCache
from chat_sessions.contract.changes import Change, ChangeKind
from chat_sessions.operator.bulk import NOTES_AT_ONCE, Batch, BulkStore, Position, RowCounts
from chat_sessions.operator.evictor import CommandEvictor

ERASED_AT_ONCE = 200
# Each round waits for a hold to expire. Only a user who keeps writing needs more than two.
ERASE_ROUNDS = 10
# Margin for Redis to expire the hold.
EXPIRY_SECONDS = 0.05


class Purge:
    """Deletes unused sessions in batches.

    An interrupted run needs no resuming: each batch is committed, the outbox holds any eviction still due, and the next
    run finds the rest.
    """

    def __init__(self, bulk: BulkStore, evictor: CommandEvictor) -> None:
        self._bulk = bulk
        self._evictor = evictor

    async def run(self, cutoff: datetime, batch_size: int) -> AsyncIterator[Batch]:
        """Delete the sessions last used before the cutoff; yield each batch once it is evicted from the cache."""
        position, more = Position(), True
        while more:
            batch = await self._bulk.delete_unused(cutoff, position, batch_size)
            for user, ids in batch.ids.items():
                await self._evictor.evict(user, [Change(each, "deleted") for each in ids])
            yield batch
            position, more = batch.end, batch.more


NO_ROWS = RowCounts(0, 0, 0)


@dataclass(slots=True)
class Erasure:
    """What was erased, and what is left; `keys_left` is None if Redis was unavailable."""

    sessions: int = 0
    messages: int = 0
    keys: int = 0
    left: RowCounts = NO_ROWS
    keys_left: int | None = None
    #: Ids of deleted sessions, kept for `CHAT_TOMBSTONE_HOURS`.
    tombstones: int = 0

    @property
    def complete(self) -> bool:
        """Whether nothing is left."""
        return not any(self.left) and self.keys_left == 0


class Eraser:
    """Erases a user's sessions, messages, outbox notes and Redis keys.

    Tombstones of the deleted sessions stay for some hours, so that no late writer restores a session.
    """

    def __init__(
        self, bulk: BulkStore, cache: SessionCache, link: RedisLink, evictor: CommandEvictor, hold: float
    ) -> None:
        self._bulk = bulk
        self._cache = cache
        self._link = link
        self._evictor = evictor
        self._hold = hold

    async def erase(self, user: str, rounds: int = ERASE_ROUNDS) -> Erasure:
        """Erase until nothing is left; give up if Redis is unavailable or the user keeps writing."""
        done = Erasure()
        for _ in range(rounds):
            await self._delete_rows(user, done)
            try:
                await self._delete_keys(user, done)
                done.keys_left = len(await self._link.keys(UserKeys(user).all))
            except RedisAway:
                done.keys_left = None
            done.left = await self._bulk.count_rows(user)
            if done.complete or done.keys_left is None:
                break
        done.tombstones = await self._bulk.count_tombstones(user)
        return done

    async def _delete_rows(self, user: str, done: Erasure) -> None:
        more = True
        while more:
            batch = await self._bulk.delete_of(user, ERASED_AT_ONCE)
            for ids in batch.ids.values():
                await self._evictor.evict(user, [Change(each, "deleted") for each in ids])
            done.sessions += len(batch)
            done.messages += batch.messages
            more = batch.more

    async def _delete_keys(self, user: str, done: Erasure) -> None:
        """Delete the user's keys in Redis, after the notes: a sweeper that reads a note writes keys again."""
        while await self._drain_notes(user):
            pass
        # A reader that loaded a session before its deletion may fill the cache until the hold expires.
        await asyncio.sleep(self._hold + EXPIRY_SECONDS)
        keys = UserKeys(user)
        # Holds and locks protect a user who still writes; otherwise they expire soon.
        guards = (keys.hold(""), keys.list_hold, keys.reset, keys.lock(""))
        stale = [key for key in await self._link.keys(keys.all) if not key.startswith(guards)]
        if stale:
            await self._link.unlink(*stale)
        done.keys += len(stale)

    async def _drain_notes(self, user: str) -> bool:
        async with self._bulk.take_notes(user) as notes:
            changes = [Change(note.session_id, cast("ChangeKind", note.change)) for note in notes]
            if changes:
                await self._cache.evict(user, changes, swept=True)
        return len(notes) == NOTES_AT_ONCE
