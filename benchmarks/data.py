"""Test data, inserted by SQL for the service and for the baselines."""

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.baselines.tables import Base

MESSAGES = 20
READER_SESSIONS = 200
WRITER_SESSIONS = 64

# Nothing is cached yet, so the outbox is not needed.
WITHOUT_TRIGGERS = "SET session_replication_role = replica"

SESSIONS = """
INSERT INTO "ChatSession" ("id", "userId", "title", "titleKey", "isPinned", "messageCount", "createdAt", "updatedAt")
SELECT gen_random_uuid(), $1, 'Chat about ' || n || ' and its consequences',
    'chat about ' || n || ' and its consequences', n % 40 = 0, $3::int,
    now() - make_interval(secs => n), now() - make_interval(secs => n)
FROM generate_series(1, $2::int) AS n
"""

MESSAGES_OF_NEW_SESSIONS = """
INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "searchKey", "sequence")
SELECT "userId", "ChatSession"."id", "message", "role",
    format('{"id":"%s","name":null,"tool_call_id":null,"refusal":null,"tool_calls":null,"function_call":null,"metadata":{},'
        '"role":"%s","content":"%s"}', "message", "role", repeat('Some words of a chat. ', 8))::json,
    rtrim(repeat('some words of a chat. ', 8)), n
FROM "ChatSession" CROSS JOIN generate_series(0, $2::int - 1) AS n
CROSS JOIN LATERAL (
    SELECT gen_random_uuid() AS "message", CASE WHEN n % 2 = 0 THEN 'user' ELSE 'assistant' END AS "role"
) AS message
WHERE "userId" = $1 AND NOT EXISTS (
    SELECT FROM "ChatMessage" WHERE "userId" = $1 AND "sessionId" = "ChatSession"."id"
)
"""

COPY_SESSIONS = """
INSERT INTO pick_session (id, user_id, title, is_pinned, metadata, message_count, created_at, updated_at)
SELECT "id", "userId", "title", "isPinned", "metadata", "messageCount", "createdAt", "updatedAt"
FROM "ChatSession" WHERE "userId" = $1 ON CONFLICT DO NOTHING
"""

COPY_MESSAGES = """
INSERT INTO pick_message (id, session_id, role, content, metadata, sequence, created_at)
SELECT "id", "sessionId", "role", "body"::jsonb -> 'content', '{}', "sequence", "createdAt"
FROM "ChatMessage" WHERE "userId" = $1 ON CONFLICT DO NOTHING
"""


async def create_database(database_url: str, name: str) -> str:
    """Create another database on the server, and return its URL."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    return urlsplit(database_url)._replace(path=f"/{name}").geturl()


async def prepare_baselines(database_url: str) -> None:
    """Create the baseline's tables."""
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


async def add_sessions(database_url: str, user: str, count: int, messages: int = MESSAGES) -> None:
    """Add sessions of a user."""
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await connection.execute(WITHOUT_TRIGGERS)
        await connection.execute(SESSIONS, user, count, messages)
        # Postgres plans the next statement for the rows that it knows of.
        await connection.execute('ANALYZE "ChatSession"')
        await connection.execute(MESSAGES_OF_NEW_SESSIONS, user, messages)
        await connection.execute("SET session_replication_role = DEFAULT")
    await connection.execute("ANALYZE")
    await connection.close()


async def add_to_both(database_url: str, user: str, count: int) -> None:
    """Add sessions of a user to the service and to the baseline."""
    await add_sessions(database_url, user, count)
    connection = await asyncpg.connect(database_url)
    await connection.execute(COPY_SESSIONS, user)
    await connection.execute(COPY_MESSAGES, user)
    await connection.execute("ANALYZE")
    await connection.close()


async def ids(database_url: str, user: str, *, of_baseline: bool = False) -> Sequence[str]:
    """Return the ids of a user's sessions."""
    connection = await asyncpg.connect(database_url)
    table, owner = ("pick_session", "user_id") if of_baseline else ('"ChatSession"', '"userId"')
    rows = await connection.fetch(f"SELECT id FROM {table} WHERE {owner} = $1 ORDER BY id", user)  # noqa: S608  ours
    await connection.close()
    return [row["id"] for row in rows]


async def settle(database_url: str) -> None:
    """Wait until the outbox is empty, and vacuum now rather than during the measurement.

    A single user's webhooks are delivered one at a time, for far longer than a burst: the rest is discarded.
    """
    connection = await asyncpg.connect(database_url)
    while await connection.fetchval('SELECT EXISTS (SELECT FROM "Outbox")'):
        pass
    await connection.execute('DELETE FROM "WebhookDelivery"')
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def store_for_ceiling(redis_url: str, user: str, bodies: dict[str, bytes]) -> None:
    """Store the service's response bodies for the baseline `ceiling`, by path."""
    async with Redis.from_url(redis_url) as redis:
        for path, body in bodies.items():
            session_id = path.removeprefix("/api/chat/sessions").lstrip("/")
            await redis.set(f"ceiling:{user}:session:{session_id}" if session_id else f"ceiling:{user}:list", body)


def new_message() -> str:
    """Return the body of an append."""
    return json.dumps({"messages": [{"role": "user", "content": "Some words of a chat. " * 8}]})
