"""Test databases: copies of a migrated template, and a way to empty the shared one."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from chat_sessions.dev.embedded import Postgres
from chat_sessions.store.migrations import migrate_deploy
from tests import citus
from tests.citus import Coordinator

TEMPLATE = "migrated"
# With the user, because Citus can lock rows on one node only.
LOCK_SESSION = """SELECT FROM "ChatSession" WHERE "userId" = 'ada' AND "id" = $1 FOR UPDATE"""


def _truncated_unless_empty(tables: Sequence[str]) -> str:
    found = " OR ".join(f"EXISTS (TABLE {table})" for table in tables)
    return f"IF {found} THEN TRUNCATE {', '.join(tables)}; END IF;"


# Each table has its own files for TRUNCATE to replace, except those that a foreign key connects.
_TOGETHER = (
    ('"ChatSession"', '"ChatMessage"'),
    *((table,) for table in ('"Outbox"', '"Tombstone"', '"WebhookReceiver"', '"WebhookDelivery"')),
)
# TRUNCATE takes thirty times as long as the check, and most tables are empty. The lock waits for writers left over from
# the previous test; a weaker lock would have to be upgraded, and could deadlock with them. As a replica, Postgres runs
# no triggers, which would fill the next tables.
_EMPTY_ON_ONE_NODE = f"""
DO $$ BEGIN
    LOCK TABLE {", ".join(chain(*_TOGETHER))} IN ACCESS EXCLUSIVE MODE;
    SET LOCAL session_replication_role = replica;
    {"".join(map(_truncated_unless_empty, _TOGETHER))}
END $$
"""
# Citus takes such a lock shard by shard, which deadlocks with statements that read all shards.
EMPTY = (
    _EMPTY_ON_ONE_NODE
    if citus.URL is None
    else """DELETE FROM "WebhookReceiver"; DELETE FROM "ChatSession"; DELETE FROM "Outbox"; DELETE FROM "Tombstone";
        DELETE FROM "WebhookDelivery" """
)


async def on_each_node(database: asyncpg.Pool, statement: str) -> list[str]:
    """Run a statement on each node, of which only Citus has several, and return the first column of the first rows."""
    if citus.URL is None:
        return [str(await database.fetchval(statement))]
    found = await database.fetch("SELECT success, result FROM run_command_on_all_nodes($1)", statement)
    assert all(row["success"] for row in found), found
    return [row["result"] for row in found]


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
