"""The outbox: committed changes whose eviction is still to be confirmed. Triggers write it, the sweeper clears it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, LiteralString, NamedTuple

from prisma import Prisma

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

READ_NOTES: Final[LiteralString] = """
SELECT "userId", "sessionId", "change" FROM "Outbox" ORDER BY "id" LIMIT $1
"""

MEASURE: Final[LiteralString] = """
SELECT (SELECT count(*)::int FROM (SELECT FROM "Outbox" LIMIT $1) AS counted) AS "depth",
    "id"::text AS "oldest", COALESCE(EXTRACT(epoch FROM now() - "createdAt"), 0)::float8 AS "age"
FROM (VALUES (1)) AS one LEFT JOIN (SELECT "id", "createdAt" FROM "Outbox" ORDER BY "id" LIMIT 1) AS first ON true
"""

FORGET_TOMBSTONES: Final[LiteralString] = """
DELETE FROM "Tombstone" WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM "Tombstone" WHERE "deletedAt" < now() - make_interval(hours => $1::int)
    LIMIT $2 FOR UPDATE SKIP LOCKED
))
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

    async def backlog(self) -> Backlog:
        """Measure what waits."""
        row = (await self._prisma.query_raw(MEASURE, MOST_COUNTED))[0]
        return Backlog(int(row["depth"]), row["oldest"], float(row["age"]))

    @asynccontextmanager
    async def take(self, limit: int = NOTES_PER_SWEEP) -> AsyncIterator[list[Note]]:
        """Hand out the oldest notes, deleted when the block succeeds and put back when it fails.

        Notes that another sweeper holds are left to it.
        """
        async with self._prisma.tx(timeout=SWEEP_TIMEOUT) as transaction:
            yield [_note(row) for row in await transaction.query_raw(TAKE_NOTES, limit)]

    async def read(self, limit: int) -> list[Note]:
        """Return the oldest notes, those that other sweepers hold included."""
        return [_note(row) for row in await self._prisma.query_raw(READ_NOTES, limit)]

    async def forget_tombstones(self, *, older_than_hours: int) -> int:
        """Allow ids to be created again that were deleted that long ago; return how many."""
        return await self._prisma.execute_raw(FORGET_TOMBSTONES, older_than_hours, TOMBSTONES_PER_ROUND)


def _note(row: dict[str, str]) -> Note:
    return Note(row["userId"], row["sessionId"], row["change"])
