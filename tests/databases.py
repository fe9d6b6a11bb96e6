"""Test databases: copies of a migrated template, and a way to empty the shared one."""

import asyncio
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from chat_sessions.dev.embedded import Postgres
from chat_sessions.store.migrations import migrate_deploy

TEMPLATE = "migrated"
TABLES = '"ChatSession", "ChatMessage", "Outbox", "Tombstone"'
# TRUNCATE takes thirty times as long as the check, and most tests find the tables empty. The lock waits for writers
# left over from the previous test; a weaker lock would have to be upgraded, and could deadlock with them.
EMPTY = f"""
DO $$ BEGIN
    LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (TABLE "ChatSession") OR EXISTS (TABLE "ChatMessage")
        OR EXISTS (TABLE "Outbox") OR EXISTS (TABLE "Tombstone") THEN
        TRUNCATE {TABLES};
    END IF;
END $$
"""


def url_of(postgres: Postgres, name: str) -> str:
    """Return the URL of a database on the server."""
    return urlsplit(postgres.url)._replace(path=f"/{name}").geturl()


async def migrated_database(postgres: Postgres, name: str | None = None) -> str:
    """Create an empty database with our schema, and return its URL."""
    name = name or f"copy_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(postgres.url)
    try:
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", TEMPLATE):
            await connection.execute(f'CREATE DATABASE "{TEMPLATE}"')
            await asyncio.to_thread(migrate_deploy, url_of(postgres, TEMPLATE))
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
    finally:
        await connection.close()
    return url_of(postgres, name)
