"""Query plans, in a separate database."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chat_sessions.dev.embedded import Postgres
from tests.databases import migrated_database

BY_PIN = "ChatSession_userId_isArchived_isPinned_updatedAt_id_idx"
BY_TIME = "ChatSession_userId_isArchived_updatedAt_id_idx"
BY_SEQUENCE = "ChatMessage_userId_sessionId_sequence_key"

# The type of a pool's connections.
Connection = PoolConnectionProxy


class Plan:
    """A query plan with its actual figures."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.nodes = list(_nodes(root))

    @property
    def kinds(self) -> list[str]:
        return [node["Node Type"] for node in self.nodes]

    @property
    def indexes(self) -> list[str]:
        return [node["Index Name"] for node in self.nodes if "Index Name" in node]

    @property
    def most_loops(self) -> int:
        """The highest loop count of any node."""
        return max(int(node["Actual Loops"]) for node in self.nodes)

    @property
    def read(self) -> int:
        """The number of rows read, including those filtered out."""
        return sum(
            int(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))
            for node in self.nodes
            if "Relation Name" in node
        )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(_literal, value))}]"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"


@asynccontextmanager
async def planned_database(postgres: Postgres, name: str) -> AsyncIterator[asyncpg.Pool]:
    """Create an empty migrated database, and drop it afterwards."""
    url = await migrated_database(postgres, name)
    async with asyncpg.create_pool(postgres.url, min_size=1, max_size=1) as server:
        try:
            async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
                yield pool
        finally:
            await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def explain(database: asyncpg.Pool, statement: str, *values: object) -> Plan:
    """Run a statement with EXPLAIN ANALYZE, and roll it back."""
    async with _rolled_back(database) as connection:
        return await _explained(connection, statement, *values)


async def explain_generic(database: asyncpg.Pool, statement: str, *values: object) -> Plan:
    """Do the same with the generic plan."""
    async with _rolled_back(database) as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE planned AS {statement}")
        try:
            return await _explained(connection, f"EXECUTE planned ({', '.join(map(_literal, values))})")
        finally:
            await connection.execute("DEALLOCATE planned")


async def _explained(connection: Connection, statement: str, *values: object) -> Plan:
    response = await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", *values)
    return Plan(json.loads(response)[0]["Plan"])


@asynccontextmanager
async def _rolled_back(database: asyncpg.Pool) -> AsyncIterator[Connection]:
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            yield connection
        finally:
            await transaction.rollback()
