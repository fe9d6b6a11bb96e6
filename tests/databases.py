"""Test databases: copies of a migrated template, and a way to empty the shared one."""

import asyncio
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from chat_sessions.dev.embedded import Postgres
from chat_sessions.store.migrations import migrate_deploy
from tests import citus
from tests.citus import Coordinator

TEMPLATE = "migrated"
TABLES = '"ChatSession", "ChatMessage", "Outbox", "Tombstone", "WebhookReceiver", "WebhookDelivery"'
# With the user, because Citus can lock rows on one node only.
LOCK_SESSION = """SELECT FROM "ChatSession" WHERE "userId" = 'ada' AND "id" = $1 FOR UPDATE"""
# TRUNCATE takes thirty times as long as the check, and most tests find the tables empty. The lock waits for writers
# left over from the previous test; a weaker lock would have to be upgraded, and could deadlock with them.
_EMPTY_ON_ONE_NODE = f"""
DO $$ BEGIN
    LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (TABLE "ChatSession") OR EXISTS (TABLE "ChatMessage")
        OR EXISTS (TABLE "Outbox") OR EXISTS (TABLE "Tombstone")
        OR EXISTS (TABLE "WebhookReceiver") OR EXISTS (TABLE "WebhookDelivery") THEN
        TRUNCATE {TABLES};
    END IF;
END $$
"""
# Citus takes such a lock shard by shard, which deadlocks with statements that read all shards.
EMPTY = (
    _EMPTY_ON_ONE_NODE
    if citus.URL is None
    else """DELETE FROM "WebhookReceiver"; DELETE FROM "ChatSession"; DELETE FROM "Outbox"; DELETE FROM "Tombstone";
        DELETE FROM "WebhookDelivery" """
)


def url_of(postgres: Postgres, name: str) -> str:
    """Return the URL of a database on the server."""
    return urlsplit(postgres.url)._replace(path=f"/{name}").geturl()


async def migrated_database(postgres: Postgres | Coordinator, name: str | None = None) -> str:
    """Create an empty database with our schema, and return its URL."""
    if isinstance(postgres, Coordinator):
        return await postgres.migrated_database()
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
