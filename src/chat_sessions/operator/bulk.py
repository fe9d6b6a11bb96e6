"""The queries of the operator's commands: over the sessions of all users, or over all that one user has.

Every statement touches a bounded number of rows, and none waits for a row that somebody works with.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, NamedTuple

from chat_sessions.contract.schemas import Message, Summary
from chat_sessions.store import rows
from chat_sessions.store.outbox import Note
from chat_sessions.store.prisma.client import BridgedPrisma
from chat_sessions.store.sql_writes import PLAN_FOR_THE_VALUES

BATCH_TIMEOUT = timedelta(seconds=30)
NOTES_AT_ONCE = 1000
# The cascade deletes the messages within the statement, whose time is limited.
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

# A session whose row is locked is in use, so it is passed over: nobody waits, and there is no deadlock. Sessions of
# several users may have the same id and time.
LOCK_UNUSED: Final[LiteralString] = """
SELECT "id", "userId", "updatedAt", "messageCount" FROM "ChatSession"
WHERE "updatedAt" < $1::timestamptz AND ("updatedAt", "id", "userId") > ($2::timestamptz, $3, $4)
ORDER BY "updatedAt", "id", "userId" LIMIT $5 FOR UPDATE SKIP LOCKED
"""

# The condition once more: whatever the lock is worth, a session in use survives.
DELETE_UNUSED: Final[LiteralString] = """
DELETE FROM "ChatSession" USING unnest($1::text[], $2::text[]) AS unused("userId", "id")
WHERE "ChatSession"."userId" = unused."userId" AND "ChatSession"."id" = unused."id" AND "updatedAt" < $3::timestamptz
"""

LOCK_OF_USER: Final[LiteralString] = """
SELECT "id", "userId", "updatedAt", "messageCount" FROM "ChatSession"
WHERE "userId" = $1 ORDER BY "updatedAt", "id" LIMIT $2 FOR UPDATE SKIP LOCKED
"""

# See outbox.TAKE_NOTES for the array.
TAKE_NOTES_OF_USER: Final[LiteralString] = """
WITH taken AS (
    DELETE FROM "Outbox" WHERE "id" = ANY(ARRAY(
        SELECT "id" FROM "Outbox" WHERE "userId" = $1 ORDER BY "id" LIMIT $2 FOR UPDATE
    ))
    RETURNING *
)
SELECT "userId", "sessionId", "change" FROM taken ORDER BY "id"
"""

HOLDINGS: Final[LiteralString] = """
SELECT (SELECT count(*)::int FROM "ChatSession" WHERE "userId" = $1) AS "sessions",
    (SELECT count(*)::int FROM "ChatMessage" WHERE "userId" = $1) AS "messages",
    (SELECT count(*)::int FROM "Outbox" WHERE "userId" = $1) AS "notes"
"""

COUNT_TOMBSTONES: Final[LiteralString] = """
SELECT count(*)::int AS "count" FROM "Tombstone" WHERE "userId" = $1
"""


class Place(NamedTuple):
    """Where in the order of their last use the sessions up to here have been dealt with."""

    updated_at: str = "-infinity"
    id: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Sessions that were deleted together: ids by user, and where the next batch starts."""

    ids: dict[str, list[str]]
    messages: int
    end: Place
    #: Whether there may be more where these came from.
    more: bool

    def __len__(self) -> int:
        return sum(len(ids) for ids in self.ids.values())


class Holdings(NamedTuple):
    """How much there is of a user in Postgres."""

    sessions: int
    messages: int
    notes: int


class BulkStore:
    """The sessions of all users, by the batch."""

    def __init__(self, prisma: BridgedPrisma) -> None:
        self._prisma = prisma

    async def cutoff(self, days: int) -> datetime:
        """Return the time that many days ago by the clock of Postgres, which set the times of the sessions."""
        return datetime.fromisoformat((await self._prisma.query_raw(CUTOFF, days))[0]["cutoff"])

    async def count_unused(self, cutoff: datetime) -> int:
        """Return how many sessions were used last before the cutoff."""
        count, place = 0, Place()
        while found := await self._prisma.query_raw(COUNT_UNUSED, cutoff.isoformat(), *place, COUNTED_AT_ONCE):
            count += found[0]["count"]
            place = Place(found[0]["updatedAt"], found[0]["id"], found[0]["userId"])
        return count

    async def delete_unused(self, cutoff: datetime, after: Place, limit: int) -> Batch:
        """Delete the next sessions that were used last before the cutoff; an empty batch is the end."""
        async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
            batch = _batch(await transaction.query_raw(LOCK_UNUSED, cutoff.isoformat(), *after, limit), limit)
            keys = [(user, each) for user, ids in batch.ids.items() for each in ids]
            users, ids = [user for user, _ in keys], [each for _, each in keys]
            await transaction.execute_raw(DELETE_UNUSED, users, ids, cutoff.isoformat())
        return batch

    async def delete_of(self, user: str, limit: int) -> Batch:
        """Delete some sessions of a user; those that are in use right now stay."""
        async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
            await transaction.execute_raw(PLAN_FOR_THE_VALUES)
            batch = _batch(await transaction.query_raw(LOCK_OF_USER, user, limit), limit)
            ids = batch.ids.get(user, [])
            await transaction.chatsession.delete_many(where={"id": {"in": ids}, "userId": user})
        return batch

    async def holdings(self, user: str) -> Holdings:
        """Return how much there is of a user."""
        return Holdings(**(await self._prisma.query_raw(HOLDINGS, user))[0])

    async def tombstones(self, user: str) -> int:
        """Return how many ids of deleted sessions are kept for a user."""
        return int((await self._prisma.query_raw(COUNT_TOMBSTONES, user))[0]["count"])

    @asynccontextmanager
    async def take_notes(self, user: str) -> AsyncIterator[list[Note]]:
        """Hand out the user's notes of the outbox, which are gone when the block ends well, and back when it fails.

        Waits for those that a sweeper has in hand; nothing handed out means that nothing was left.
        """
        async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
            taken = await transaction.query_raw(TAKE_NOTES_OF_USER, user, NOTES_AT_ONCE)
            yield [Note(row["userId"], row["sessionId"], row["change"]) for row in taken]

    async def sessions_of(self, user: str, after: Summary | None, limit: int) -> list[Summary]:
        """Return a page of a user's sessions in the order of their creation, which no use of them changes."""
        where: Any = {"userId": user}
        if after is not None:
            deeper = [{"createdAt": {"gt": after.created_at}}, {"createdAt": after.created_at, "id": {"gt": after.id}}]
            where |= {"createdAt": {"gte": after.created_at}, "OR": deeper}
        found = await self._prisma.chatsession.find_many(
            where=where, order=[{"createdAt": "asc"}, {"id": "asc"}], take=limit
        )
        return [rows.summary(row) for row in found]

    async def messages_of(self, user: str, session_id: str, start: int, limit: int) -> list[Message] | None:
        """Return the messages from a sequence on; None if the user has no such session (any more)."""
        found = await self._prisma.chatmessage.find_many(
            where={"userId": user, "sessionId": session_id, "sequence": {"gte": start}},
            order={"sequence": "asc"},
            take=limit,
        )
        # Looked for afterwards: a session that is there now has lost no message before.
        exists = await self._prisma.chatsession.count(where={"id": session_id, "userId": user})
        return [rows.message(row) for row in found] if exists else None


def _batch(locked: Sequence[dict[str, Any]], limit: int) -> Batch:
    """Take as many as have a bounded number of messages together, and one at least."""
    ids: dict[str, list[str]] = {}
    messages, end = 0, Place()
    for row in locked:
        if ids and messages + row["messageCount"] > MESSAGES_PER_BATCH:
            return Batch(ids, messages, end, more=True)
        ids.setdefault(row["userId"], []).append(row["id"])
        messages += row["messageCount"]
        end = Place(row["updatedAt"], row["id"], row["userId"])
    return Batch(ids, messages, end, more=len(locked) == limit)
