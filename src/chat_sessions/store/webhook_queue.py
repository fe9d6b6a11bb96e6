"""The deliveries to webhook receivers. Triggers add them, in the transaction of each change."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, NamedTuple

from prisma import Prisma

MAX_ERROR = 200
TURN_TIMEOUT = timedelta(seconds=10)

# Deliveries to a receiver that is no longer configured stay.
REMOVE_RECEIVERS: Final[LiteralString] = """DELETE FROM "WebhookReceiver" WHERE NOT "url" = ANY($1::text[])"""
ADD_RECEIVERS: Final[LiteralString] = """
INSERT INTO "WebhookReceiver" ("url", "events") SELECT unnest($1::text[]), $2::text[]
ON CONFLICT ("url") DO UPDATE SET "events" = excluded."events"
"""

IS_DUE: Final[LiteralString] = """
SELECT count(*) > 0 AS "due" FROM (
    SELECT 1 FROM "WebhookDelivery" WHERE "receiver" = $1 AND "dueAt" <= now() LIMIT 1
) AS found
"""

# Workers claim in turn, because on Citus no statement can lock rows on several nodes.
TAKE_TURN: Final[LiteralString] = """
SELECT pg_try_advisory_xact_lock(hashtext('WebhookDelivery'), hashtext($1)) AS "ours"
"""

# Only the oldest delivery of each user: a receiver gets the changes of a user in order. Grouping takes linear time;
# a NOT EXISTS for an earlier delivery would take quadratic time.
CLAIM: Final[LiteralString] = """
WITH claimed AS (
    UPDATE "WebhookDelivery" SET "dueAt" = now() + make_interval(secs => $2::float8), "attempts" = "attempts" + 1
    WHERE ("id", "userId") IN (
        SELECT "id", "userId" FROM "WebhookDelivery" JOIN (
            SELECT min("id") AS "id", "userId" FROM "WebhookDelivery" WHERE "receiver" = $1 GROUP BY "userId"
        ) AS oldest USING ("id", "userId")
        WHERE "dueAt" <= now() ORDER BY "dueAt", "id" LIMIT $3
    )
    RETURNING *
)
SELECT "id"::text, "userId", "event", array_to_json("sessionIds") AS "sessionIds", "createdAt"::text, "attempts"
FROM claimed
"""

FINISH: Final[LiteralString] = """DELETE FROM "WebhookDelivery" WHERE "id" = $1::bigint AND "userId" = $2"""

POSTPONE: Final[LiteralString] = """
UPDATE "WebhookDelivery" SET "dueAt" = now() + make_interval(secs => $3::float8), "error" = $4
WHERE "id" = $1::bigint AND "userId" = $2
"""

BACKLOG: Final[LiteralString] = """
WITH queued AS MATERIALIZED (
    SELECT "receiver", count(*)::int AS "waiting", min("createdAt") AS "since", max("attempts") AS "attempts",
        max("error") AS "error"
    FROM "WebhookDelivery" GROUP BY "receiver"
)
SELECT COALESCE("receiver", "url") AS "receiver", COALESCE("waiting", 0) AS "waiting",
    COALESCE(EXTRACT(epoch FROM now() - "since"), 0)::float8 AS "age", COALESCE("attempts", 0) AS "attempts", "error"
FROM queued FULL JOIN "WebhookReceiver" ON "url" = "receiver" ORDER BY 1
"""

RETRY: Final[LiteralString] = """UPDATE "WebhookDelivery" SET "dueAt" = now() WHERE "receiver" = $1"""
DISCARD: Final[LiteralString] = """DELETE FROM "WebhookDelivery" WHERE "receiver" = $1"""


class Delivery(NamedTuple):
    """A change to some of a user's sessions, not yet delivered to one receiver."""

    id: str
    user: str
    event: str
    session_ids: Sequence[str]
    created_at: datetime
    attempts: int


class ReceiverBacklog(NamedTuple):
    """A receiver's waiting deliveries: how many, the age of the oldest in seconds, and one of their errors."""

    receiver: str
    waiting: int
    age: float
    attempts: int
    error: str | None


class WebhookQueue:
    """The deliveries of all users."""

    def __init__(self, prisma: Prisma) -> None:
        self._prisma = prisma

    async def configure(self, receivers: Sequence[str], events: Sequence[str]) -> None:
        """From now on queue these events for these receivers."""
        await self._prisma.execute_raw(REMOVE_RECEIVERS, list(receivers))
        if receivers:
            await self._prisma.execute_raw(ADD_RECEIVERS, list(receivers), list(events))

    async def claim(self, receiver: str, *, lease: float, limit: int) -> list[Delivery]:
        """Return deliveries that are due; no other worker gets them for `lease` seconds."""
        [found] = await self._prisma.query_raw(IS_DUE, receiver)
        if not found["due"]:
            return []
        async with self._prisma.tx(timeout=TURN_TIMEOUT) as transaction:
            [turn] = await transaction.query_raw(TAKE_TURN, receiver)
            claimed = await transaction.query_raw(CLAIM, receiver, lease, limit) if turn["ours"] else []
        return [_delivery(row) for row in claimed]

    async def finish(self, delivery: Delivery) -> None:
        """Remove a delivery that the receiver accepted."""
        await self._prisma.execute_raw(FINISH, delivery.id, delivery.user)

    async def postpone(self, delivery: Delivery, seconds: float, error: str) -> None:
        """Retry a delivery after that many seconds."""
        await self._prisma.execute_raw(POSTPONE, delivery.id, delivery.user, seconds, error[:MAX_ERROR])

    async def backlog(self) -> list[ReceiverBacklog]:
        """Return the backlog of each receiver, configured or not."""
        return [ReceiverBacklog(**row) for row in await self._prisma.query_raw(BACKLOG)]

    async def retry(self, receiver: str) -> int:
        """Make all deliveries to a receiver due now; return how many."""
        return await self._prisma.execute_raw(RETRY, receiver)

    async def discard(self, receiver: str) -> int:
        """Remove all deliveries to a receiver; return how many."""
        return await self._prisma.execute_raw(DISCARD, receiver)


def _delivery(row: Mapping[str, Any]) -> Delivery:
    created_at = datetime.fromisoformat(row["createdAt"])
    return Delivery(row["id"], row["userId"], row["event"], row["sessionIds"], created_at, row["attempts"])
