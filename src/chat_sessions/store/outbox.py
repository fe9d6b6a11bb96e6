"""The outbox: committed changes whose eviction is unconfirmed. Triggers write it, the sweeper clears it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, LiteralString, NamedTuple

from prisma import Prisma

from chat_sessions.store.citus import IS_CITUS

# Few enough to evict well within a second: their rows stay locked meanwhile.
NOTES_PER_SWEEP = 1000
SWEEP_TIMEOUT = timedelta(seconds=10)
TOMBSTONES_PER_ROUND = 1000
# Counting stops here: counting a million rows every second would make a backlog worse.
MOST_COUNTED = 10_000

# `= ANY(ARRAY(…))` instead of IN or a join: the array is computed once, whatever the statistics say. With statistics
# that autovacuum collected on an empty outbox, Postgres runs the subquery of an IN for every row.
TAKE_NOTES: Final[LiteralString] = """
WITH taken AS (
    DELETE FROM "Outbox" WHERE "id" = ANY(ARRAY(
        SELECT "id" FROM "Outbox" ORDER BY "id" LIMIT $1 FOR UPDATE SKIP LOCKED
    ))
    RETURNING *
)
SELECT "userId", "sessionId", "change" FROM taken ORDER BY "id"
"""

# On Citus no statement can lock rows on several nodes, and sweepers would block each other: one sweeps at a time.
TAKE_TURN: Final[LiteralString] = """SELECT pg_try_advisory_xact_lock(hashtext('Outbox')) AS "ours" """
TAKE_NOTES_OF_ALL_NODES: Final[LiteralString] = """
WITH taken AS (
    DELETE FROM "Outbox" WHERE "id" IN (SELECT "id" FROM "Outbox" ORDER BY "id" LIMIT $1) RETURNING *
)
SELECT "userId", "sessionId", "change" FROM taken ORDER BY "id"
"""

READ_NOTES: Final[LiteralString] = """
SELECT "userId", "sessionId", "change" FROM "Outbox" ORDER BY "id" LIMIT $1
"""

MEASURE: Final[LiteralString] = f"""
SELECT {IS_CITUS} AS "is_citus",
    (SELECT count(*)::int FROM (SELECT 1 FROM "Outbox" LIMIT $1) AS counted) AS "depth",
    "id"::text AS "oldest", COALESCE(EXTRACT(epoch FROM now() - "createdAt"), 0)::float8 AS "age"
FROM (VALUES (1)) AS one LEFT JOIN (SELECT "id", "createdAt" FROM "Outbox" ORDER BY "id" LIMIT 1) AS first ON true
"""  # noqa: S608  no user input

EXPIRE_TOMBSTONES: Final[LiteralString] = """
DELETE FROM "Tombstone" WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM "Tombstone" WHERE "deletedAt" < now() - make_interval(hours => $1::int)
    LIMIT $2 FOR UPDATE SKIP LOCKED
))
"""
EXPIRE_TOMBSTONES_OF_ALL_NODES: Final[LiteralString] = """
DELETE FROM "Tombstone" WHERE ("userId", "sessionId") IN (
    SELECT "userId", "sessionId" FROM "Tombstone" WHERE "deletedAt" < now() - make_interval(hours => $1::int) LIMIT $2
)
"""


class Note(NamedTuple):
    """A change that may not have been evicted from the cache."""

    user: str
    session_id: str
    change: str


class Backlog(NamedTuple):
    """The number of notes, up to MOST_COUNTED, with the id of the oldest and its age in seconds."""

    depth: int
    oldest: str | None
    age: float


class Outbox:
    """The notes of all users."""

    def __init__(self, prisma: Prisma) -> None:
        self._prisma = prisma
        # Updated by `backlog`: a database may be distributed while the service runs.
        self._is_citus = False

    async def backlog(self) -> Backlog:
        """Measure the backlog."""
        row = (await self._prisma.query_raw(MEASURE, MOST_COUNTED))[0]
        self._is_citus = row["is_citus"]
        return Backlog(int(row["depth"]), row["oldest"], float(row["age"]))

    @asynccontextmanager
    async def take(self, limit: int = NOTES_PER_SWEEP) -> AsyncIterator[list[Note]]:
        """Yield the oldest notes, deleted if the block succeeds and restored if it fails.

        Notes that another sweeper has locked are skipped.
        """
        async with self._prisma.tx(timeout=SWEEP_TIMEOUT) as transaction:
            yield [_note(row) for row in await self._taken(transaction, limit)]

    async def read(self, limit: int) -> list[Note]:
        """Return the oldest notes, including those that other sweepers have locked."""
        return [_note(row) for row in await self._prisma.query_raw(READ_NOTES, limit)]

    async def expire_tombstones(self, *, older_than_hours: int) -> int:
        """Delete old tombstones, whose ids may then be used again; return how many."""
        statement = EXPIRE_TOMBSTONES_OF_ALL_NODES if self._is_citus else EXPIRE_TOMBSTONES
        return await self._prisma.execute_raw(statement, older_than_hours, TOMBSTONES_PER_ROUND)

    async def _taken(self, transaction: Prisma, limit: int) -> list[dict[str, str]]:
        if not self._is_citus:
            return await transaction.query_raw(TAKE_NOTES, limit)
        [turn] = await transaction.query_raw(TAKE_TURN)
        return await transaction.query_raw(TAKE_NOTES_OF_ALL_NODES, limit) if turn["ours"] else []


def _note(row: dict[str, str]) -> Note:
    return Note(row["userId"], row["sessionId"], row["change"])
