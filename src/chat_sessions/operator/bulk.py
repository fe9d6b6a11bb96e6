"""Queries of the operator's commands, across all users or for one user.

Each statement touches a bounded number of rows, and none waits for a locked row.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, NamedTuple

from chat_sessions.store.citus import is_citus
from chat_sessions.store.outbox import Note
from chat_sessions.store.prisma.client import BridgedPrisma

BATCH_TIMEOUT = timedelta(seconds=30)
NOTES_AT_ONCE = 1000
# The cascade deletes a session's messages in the same statement, which has a timeout.
MESSAGES_PER_BATCH = 20_000
COUNTED_AT_ONCE = 10_000

CUTOFF: Final[LiteralString] = """
SELECT date_trunc('milliseconds', now() - make_interval(days => $1::int)) AS "cutoff"
"""

COUNT_UNUSED: Final[LiteralString] = """
WITH chunk AS (
    SELECT "updatedAt", "id", "userId" FROM "ChatSession"
    WHERE "updatedAt" < $1::timestamptz AND ("updatedAt", "id", "userId") > ($2::timestamptz, $3, $4)
    ORDER BY "updatedAt", "id", "userId" LIMIT $5
)
SELECT (SELECT count(*)::int FROM chunk) AS "count", "updatedAt", "id", "userId" FROM chunk
ORDER BY "updatedAt" DESC, "id" DESC, "userId" DESC LIMIT 1
"""

# SKIP LOCKED: a locked session is in use and stays; there is no wait and no deadlock. Sessions of several users may
# have the same id and time.
LOCK_UNUSED: Final[LiteralString] = """
SELECT "id", "userId", "updatedAt", "messageCount" FROM "ChatSession"
WHERE "updatedAt" < $1::timestamptz AND ("updatedAt", "id", "userId") > ($2::timestamptz, $3, $4)
ORDER BY "updatedAt", "id", "userId" LIMIT $5 FOR UPDATE SKIP LOCKED
"""

# On Citus no statement can lock rows of several nodes: find them without a lock, then lock user by user.
FIND_UNUSED: Final[LiteralString] = LOCK_UNUSED.removesuffix("FOR UPDATE SKIP LOCKED\n")

LOCK_UNUSED_OF_USER: Final[LiteralString] = """
SELECT "id", "messageCount" FROM "ChatSession"
WHERE "userId" = $1 AND "id" = ANY($2::text[]) AND "updatedAt" < $3::timestamptz FOR UPDATE SKIP LOCKED
"""

# Repeats the condition: a session used since the SELECT survives even without the lock.
DELETE_UNUSED: Final[LiteralString] = """
DELETE FROM "ChatSession" USING unnest($1::text[], $2::text[]) AS unused("userId", "id")
WHERE "ChatSession"."userId" = unused."userId" AND "ChatSession"."id" = unused."id" AND "updatedAt" < $3::timestamptz
"""

LOCK_OF_USER: Final[LiteralString] = """
SELECT "id", "userId", "updatedAt", "messageCount" FROM "ChatSession"
WHERE "userId" = $1 ORDER BY "id" LIMIT $2 FOR UPDATE SKIP LOCKED
"""

# See outbox.TAKE_NOTES for the array.
TAKE_NOTES_OF_USER: Final[LiteralString] = """
WITH taken AS (
    DELETE FROM "Outbox" WHERE "userId" = $1 AND "id" = ANY(ARRAY(
        SELECT "id" FROM "Outbox" WHERE "userId" = $1 ORDER BY "id" LIMIT $2 FOR UPDATE
    ))
    RETURNING *
)
SELECT "userId", "sessionId", "change" FROM taken ORDER BY "id"
"""

COUNT_ROWS: Final[LiteralString] = """
SELECT (SELECT count(*)::int FROM "ChatSession" WHERE "userId" = $1) AS "sessions",
    (SELECT count(*)::int FROM "ChatMessage" WHERE "userId" = $1) AS "messages",
    (SELECT count(*)::int FROM "Outbox" WHERE "userId" = $1) AS "notes"
"""

COUNT_TOMBSTONES: Final[LiteralString] = """
SELECT count(*)::int AS "count" FROM "Tombstone" WHERE "userId" = $1
"""


class Position(NamedTuple):
    """A keyset position: the last session that was processed, in order of last use."""

    updated_at: str = "-infinity"
    id: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Sessions deleted in one transaction: ids by user, and the position of the next batch."""

    ids: dict[str, list[str]]
    messages: int
    end: Position
    more: bool

    def __len__(self) -> int:
        return sum(len(ids) for ids in self.ids.values())


class RowCounts(NamedTuple):
    """A user's rows in Postgres."""

    sessions: int
    messages: int
    notes: int


class BulkStore:
    """Batched access to the sessions of all users."""

    def __init__(self, prisma: BridgedPrisma) -> None:
        self._prisma = prisma

    async def cutoff(self, days: int) -> datetime:
        """Return the time that many days ago by Postgres' clock, which also set the sessions' timestamps."""
        return datetime.fromisoformat((await self._prisma.query_raw(CUTOFF, days))[0]["cutoff"])

    async def count_unused(self, cutoff: datetime) -> int:
        """Count the sessions last used before the cutoff."""
        count, position = 0, Position()
        while found := await self._prisma.query_raw(COUNT_UNUSED, cutoff.isoformat(), *position, COUNTED_AT_ONCE):
            count += found[0]["count"]
            position = Position(found[0]["updatedAt"], found[0]["id"], found[0]["userId"])
        return count

    async def delete_unused(self, cutoff: datetime, after: Position, limit: int) -> Batch:
        """Delete the next sessions last used before the cutoff."""
        if await is_citus(self._prisma):
            return await self._delete_unused_by_user(cutoff, after, limit)
        async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
            batch = _batch(await transaction.query_raw(LOCK_UNUSED, cutoff.isoformat(), *after, limit), limit)
            keys = [(user, each) for user, ids in batch.ids.items() for each in ids]
            users, ids = [user for user, _ in keys], [each for _, each in keys]
            await transaction.execute_raw(DELETE_UNUSED, users, ids, cutoff.isoformat())
        return batch

    async def _delete_unused_by_user(self, cutoff: datetime, after: Position, limit: int) -> Batch:
        batch = _batch(await self._prisma.query_raw(FIND_UNUSED, cutoff.isoformat(), *after, limit), limit)
        deleted, messages = dict[str, list[str]](), 0
        for user, ids in batch.ids.items():
            async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
                locked = await transaction.query_raw(LOCK_UNUSED_OF_USER, user, ids, cutoff.isoformat())
                deleted[user] = [row["id"] for row in locked]
                await transaction.chatsession.delete_many(where={"id": {"in": deleted[user]}, "userId": user})
            messages += sum(row["messageCount"] for row in locked)
        return replace(batch, ids=deleted, messages=messages)

    async def delete_of(self, user: str, limit: int) -> Batch:
        """Delete a batch of a user's sessions, except those that are locked."""
        async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
            batch = _batch(await transaction.query_raw(LOCK_OF_USER, user, limit), limit)
            ids = batch.ids.get(user, [])
            await transaction.chatsession.delete_many(where={"id": {"in": ids}, "userId": user})
        return batch

    async def count_rows(self, user: str) -> RowCounts:
        """Count a user's rows."""
        return RowCounts(**(await self._prisma.query_raw(COUNT_ROWS, user))[0])

    async def count_tombstones(self, user: str) -> int:
        """Count the ids of deleted sessions that are kept for a user."""
        return int((await self._prisma.query_raw(COUNT_TOMBSTONES, user))[0]["count"])

    @asynccontextmanager
    async def take_notes(self, user: str) -> AsyncIterator[list[Note]]:
        """Yield the user's outbox notes; they are deleted when the block succeeds and kept when it raises.

        Waits for notes that a sweeper has locked, so an empty list means that none are left.
        """
        async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
            taken = await transaction.query_raw(TAKE_NOTES_OF_USER, user, NOTES_AT_ONCE)
            yield [Note(row["userId"], row["sessionId"], row["change"]) for row in taken]


def _batch(locked: Sequence[dict[str, Any]], limit: int) -> Batch:
    """Take sessions up to MESSAGES_PER_BATCH messages in total, but at least one session."""
    ids: dict[str, list[str]] = {}
    messages, end = 0, Position()
    for row in locked:
        if ids and messages + row["messageCount"] > MESSAGES_PER_BATCH:
            return Batch(ids, messages, end, more=True)
        ids.setdefault(row["userId"], []).append(row["id"])
        messages += row["messageCount"]
        end = Position(row["updatedAt"], row["id"], row["userId"])
    return Batch(ids, messages, end, more=len(locked) == limit)
