"""The outbox: committed changes whose eviction is still to be made good. Triggers write it, the sweeper clears it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, LiteralString, NamedTuple

from prisma import Prisma

# Few enough that evicting them is quick, for their rows are locked meanwhile.
NOTES_PER_SWEEP = 200
SWEEP_TIMEOUT = timedelta(seconds=10)
TOMBSTONES_PER_ROUND = 1000

TAKE_FREE_NOTES: Final[LiteralString] = """
DELETE FROM "Outbox" WHERE "id" IN (SELECT "id" FROM "Outbox" ORDER BY "id" LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING "userId", "sessionId", "change"
"""

TAKE_ALL_NOTES: Final[LiteralString] = """
DELETE FROM "Outbox" WHERE "id" IN (SELECT "id" FROM "Outbox" ORDER BY "id" LIMIT $1 FOR UPDATE)
RETURNING "userId", "sessionId", "change"
"""

MEASURE: Final[LiteralString] = """
SELECT count(*)::int AS "depth", COALESCE(EXTRACT(epoch FROM now() - min("createdAt")), 0)::float8 AS "age"
FROM "Outbox"
"""

FORGET_TOMBSTONES: Final[LiteralString] = """
DELETE FROM "Tombstone" WHERE "sessionId" IN (
    SELECT "sessionId" FROM "Tombstone" WHERE "deletedAt" < now() - make_interval(hours => $1::int) LIMIT $2
)
"""


class Note(NamedTuple):
    """A change that the cache may not know of."""

    user: str
    session_id: str
    change: str


class Backlog(NamedTuple):
    """How many notes there are, and how old the oldest is, in seconds."""

    depth: int
    age: float


class Outbox:
    """The notes of all users."""

    def __init__(self, prisma: Prisma) -> None:
        self._prisma = prisma

    async def backlog(self) -> Backlog:
        """Measure what waits."""
        row = (await self._prisma.query_raw(MEASURE))[0]
        return Backlog(int(row["depth"]), float(row["age"]))

    @asynccontextmanager
    async def take(self, *, wait: bool) -> AsyncIterator[list[Note]]:
        """Hand out notes that are gone when the block ends well, and back when it fails.

        Without `wait` those that another sweeper has in hand are left to it; with it, nothing handed out means that
        nothing was left.
        """
        async with self._prisma.tx(timeout=SWEEP_TIMEOUT) as transaction:
            rows = await transaction.query_raw(TAKE_ALL_NOTES if wait else TAKE_FREE_NOTES, NOTES_PER_SWEEP)
            yield [Note(row["userId"], row["sessionId"], row["change"]) for row in rows]

    async def forget_tombstones(self, *, older_than_hours: int) -> int:
        """Let ids be created again that were deleted that long ago; return how many."""
        return await self._prisma.execute_raw(FORGET_TOMBSTONES, older_than_hours, TOMBSTONES_PER_ROUND)
