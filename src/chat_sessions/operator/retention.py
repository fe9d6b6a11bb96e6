"""Deletes what must not be kept: sessions that nobody uses any more, and all that there is of a user."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.cache.session_cache import SessionCache
from chat_sessions.contract.changes import Change, ChangeKind
from chat_sessions.operator.bulk import NOTES_AT_ONCE, Batch, BulkStore, Holdings, Place
from chat_sessions.operator.evictor import CommandEvictor

ERASED_AT_ONCE = 200
# Each takes as long as a hold lives. Only a user who goes on writing all the time needs more than one or two.
ERASE_ROUNDS = 10
# What Redis needs to expire what is due.
EXPIRY_SECONDS = 0.05


class Purge:
    """Deletes unused sessions batch by batch.

    There is nothing to resume: what an interrupted run has deleted is deleted, cache and feed included (the outbox
    remembers what it had no time to evict), and the next one finds the rest.
    """

    def __init__(self, bulk: BulkStore, evictor: CommandEvictor) -> None:
        self._bulk = bulk
        self._evictor = evictor

    async def run(self, cutoff: datetime, batch_size: int) -> AsyncIterator[Batch]:
        """Delete what was used last before the cutoff, and yield each batch once it is gone from the cache as well."""
        place = Place()
        while batch := await self._bulk.delete_unused(cutoff, place, batch_size):
            for user, ids in batch.ids.items():
                await self._evictor.evict(user, [Change(each, "deleted") for each in ids])
            yield batch
            place = batch.end


NOTHING = Holdings(0, 0, 0)


@dataclass(slots=True)
class Erasure:
    """What has been erased, and what was found afterwards; `keys_left` is None when Redis could not be asked."""

    sessions: int = 0
    messages: int = 0
    keys: int = 0
    left: Holdings = NOTHING
    keys_left: int | None = None
    #: Ids of deleted sessions that stay until `CHAT_TOMBSTONE_HOURS` have passed.
    tombstones: int = 0

    @property
    def complete(self) -> bool:
        """Whether nothing is left anywhere."""
        return not any(self.left) and self.keys_left == 0


class Eraser:
    """Erases all that there is of a user: rows, messages, notes of the outbox, and every key in Redis.

    The tombstones of the deleted sessions stay for some hours: without them a late writer could bring a chat back.
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
        """Erase until a look finds nothing; give up while Redis is away, or if the user writes faster than that."""
        done = Erasure()
        for _ in range(rounds):
            await self._delete_rows(user, done)
            try:
                await self._forget(user, done)
                done.keys_left = len(await self._link.keys(UserKeys(user).all))
            except RedisAway:
                done.keys_left = None
            done.left = await self._bulk.holdings(user)
            if done.complete or done.keys_left is None:
                break
        done.tombstones = await self._bulk.tombstones(user)
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

    async def _forget(self, user: str, done: Erasure) -> None:
        """Remove what is in Redis. First of all the notes: a sweeper that reads one writes keys of the user again."""
        while await self._settle_notes(user):
            pass
        # A reader that loaded a session before it was deleted may fill the cache for as long as a hold lives.
        await asyncio.sleep(self._hold + EXPIRY_SECONDS)
        keys = UserKeys(user)
        # Those of a user who writes on guard what he writes; without him they expire by themselves.
        guards = (keys.hold(""), keys.lock(""))
        stale = [key for key in await self._link.keys(keys.all) if not key.startswith(guards)]
        if stale:
            await self._link.unlink(*stale)
        done.keys += len(stale)

    async def _settle_notes(self, user: str) -> bool:
        async with self._bulk.take_notes(user) as notes:
            changes = [Change(note.session_id, cast("ChangeKind", note.change)) for note in notes]
            if changes:
                await self._cache.evict(user, changes, swept=True)
        return len(notes) == NOTES_AT_ONCE
