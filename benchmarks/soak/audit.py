"""Compares Postgres and Redis with the users' expected state at the end of a soak."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
from redis.asyncio import Redis

from benchmarks.soak.people import People
from benchmarks.soak.stage import Stage
from benchmarks.soak.tally import Tally
from benchmarks.soak.user import User

# Twice the TTL of a lock.
SETTLING_SECONDS = 20
POLL_SECONDS = 0.2

SESSIONS = """
SELECT "id", "userId", "title", "isPinned", "messageCount",
    stored, numbers, next
FROM "ChatSession" CROSS JOIN LATERAL (
    SELECT count(*) AS stored, count(DISTINCT "sequence") AS numbers, COALESCE(max("sequence"), -1) + 1 AS next
    FROM "ChatMessage" WHERE "userId" = "ChatSession"."userId" AND "sessionId" = "ChatSession"."id"
) AS messages
"""
ORPHANS = """
SELECT count(*) FROM "ChatMessage"
WHERE ("userId", "sessionId") NOT IN (SELECT "userId", "id" FROM "ChatSession")
"""
TOMBSTONES = 'SELECT count(*) FROM "Tombstone" WHERE "sessionId" = ANY($1::text[])'
WAITING = 'SELECT count(*) FROM "Outbox"'


async def audit(stage: Stage, people: People, tally: Tally) -> None:
    """Count the violations once all users have stopped."""
    for user in people.users:
        await user.check_everything()
        await user.check_deleted()
    async with asyncpg.create_pool(stage.database.url, min_size=1, max_size=1) as database:
        await _check_postgres(database, people.users, tally)
    async with Redis.from_url(stage.redis.url) as redis:
        await _check_redis(redis, tally)
    for follower in people.followers:
        for session_id in follower.missed():
            tally.add_violation("a deletion without an event", session_id)
        for session_id in follower.foreign():
            tally.add_violation("an event of another user's session", session_id)


async def _check_postgres(database: asyncpg.Pool, users: Sequence[User], tally: Tally) -> None:
    async def drained() -> bool:
        return bool(await database.fetchval(WAITING) == 0)

    if not await _becomes_true(drained):
        tally.add_violation("the outbox is not drained", await database.fetchval(WAITING))
    stored = {row["id"]: tuple(row)[1:] for row in await database.fetch(SESSIONS)}
    uncertain = {title for user in users for title in user.unconfirmed_titles}
    expected = {
        session_id: (user.name, known.title, known.is_pinned, *[len(known.messages)] * 4)
        for user in users
        for session_id, known in user.alive.items()
    }
    for session_id in stored.keys() | expected.keys():
        row = stored.get(session_id)
        if row != expected.get(session_id) and not (row and row[1] in uncertain):
            tally.add_violation("Postgres differs from the expected state", (session_id, row, expected.get(session_id)))
    if orphans := await database.fetchval(ORPHANS):
        tally.add_violation("messages without a session", orphans)
    deleted_ids = [session_id for user in users for session_id in user.deleted_ids]
    if await database.fetchval(TOMBSTONES, deleted_ids) != len(deleted_ids):
        tally.add_violation("deleted ids without a tombstone")


async def _check_redis(redis: Redis, tally: Tally) -> None:
    async def unlocked() -> bool:
        return not [key async for key in redis.scan_iter("*:lock:*")]

    if not await _becomes_true(unlocked):
        tally.add_violation("a lock remains")
    async for key in redis.scan_iter():
        if await redis.ttl(key) == -1:
            tally.add_violation("a key without TTL", key)


async def _becomes_true(condition: Callable[[], Awaitable[bool]]) -> bool:
    for _ in range(int(SETTLING_SECONDS / POLL_SECONDS)):
        if await condition():
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False
