"""The outbox: committed changes whose eviction is still to be confirmed. Triggers write it, the sweeper clears it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, LiteralString, NamedTuple

from prisma import Prisma

from chat_sessions.store.citus import IS_CITUS

# Few enough to evict well within a second, because their rows stay locked meanwhile.
NOTES_PER_SWEEP = 1000
SWEEP_TIMEOUT = timedelta(seconds=10)
TOMBSTONES_PER_ROUND = 1000
# Beyond this a backlog is only called large: counting a million rows every second would add to the trouble.
MOST_COUNTED = 10_000

# `= ANY(ARRAY(…))` and neither IN nor a join: the array is computed once, whatever the statistics say. Those that
# autovacuum takes of an empty outbox make Postgres run an IN's subquery for every row.
TAKE_NOTES: Final[LiteralString] = """
WITH taken AS (
    DELETE FROM "Outbox" WHERE "id" = ANY(ARRAY(
        SELECT "id" FROM "Outbox" ORDER BY "id" LIMIT $1 FOR UPDATE SKIP LOCKED
    ))
    RETURNING *
)
SELECT "userId", "sessionId", "change" FROM taken ORDER BY "id"
"""

# On Citus no statement can lock rows of several nodes, and sweepers would wait for each other: one at a time sweeps.
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
"""  # noqa: S608  nothing of a caller's is in it

FORGET_TOMBSTONES: Final[LiteralString] = """
DELETE FROM "Tombstone" WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM "Tombstone" WHERE "deletedAt" < now() - make_interval(hours => $1::int)
    LIMIT $2 FOR UPDATE SKIP LOCKED
))
"""
FORGET_TOMBSTONES_OF_ALL_NODES: Final[LiteralString] = """
DELETE FROM "Tombstone" WHERE ("userId", "sessionId") IN (
    SELECT "userId", "sessionId" FROM "Tombstone" WHERE "deletedAt" < now() - make_interval(hours => $1::int) LIMIT $2
)
"""


class Note(NamedTuple):
    """A change that the cache may not know of."""

    user: str
    session_id: str
    change: str


class Backlog(NamedTuple):
    """How many notes wait, up to MOST_COUNTED, which is the first one, and its age in seconds."""

    depth: int
    oldest: str | None
    age: float


class Outbox:
    """The notes of all users."""

    def __init__(self, prisma: Prisma) -> None:
        self._prisma = prisma
        # Measured, for a database may be distributed while the service runs.
        self._is_citus = False

    async def backlog(self) -> Backlog:
        """Measure what waits."""
        row = (await self._prisma.query_raw(MEASURE, MOST_COUNTED))[0]
        self._is_citus = row["is_citus"]
        return Backlog(int(row["depth"]), row["oldest"], float(row["age"]))

    @asynccontextmanager
    async def take(self, limit: int = NOTES_PER_SWEEP) -> AsyncIterator[list[Note]]:
        """Hand out the oldest notes, deleted when the block succeeds and put back when it fails.

        Notes that another sweeper holds are left to it.
        """
        async with self._prisma.tx(timeout=SWEEP_TIMEOUT) as transaction:
            yield [_note(row) for row in await self._taken(transaction, limit)]

    async def read(self, limit: int) -> list[Note]:
        """Return the oldest notes, those that other sweepers hold included."""
        return [_note(row) for row in await self._prisma.query_raw(READ_NOTES, limit)]

    async def forget_tombstones(self, *, older_than_hours: int) -> int:
        """Allow ids to be created again that were deleted that long ago; return how many."""
        statement = FORGET_TOMBSTONES_OF_ALL_NODES if self._is_citus else FORGET_TOMBSTONES
        return await self._prisma.execute_raw(statement, older_than_hours, TOMBSTONES_PER_ROUND)

    async def _taken(self, transaction: Prisma, limit: int) -> list[dict[str, str]]:
        if not self._is_citus:
            return await transaction.query_raw(TAKE_NOTES, limit)
        [turn] = await transaction.query_raw(TAKE_TURN)
        return await transaction.query_raw(TAKE_NOTES_OF_ALL_NODES, limit) if turn["ours"] else []


def _note(row: dict[str, str]) -> Note:
    return Note(row["userId"], row["sessionId"], row["change"])
