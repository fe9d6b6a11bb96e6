"""The plans of the triggers' statements.

A connection makes them for the first statement that fires a trigger, and keeps them for a later one that changes a
hundred thousand rows. So they must not depend on how many rows there were.
"""

import re
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from chat_sessions.dev.embedded import Postgres
from tests import citus
from tests.databases import migrated_database

pytestmark = pytest.mark.skipif(citus.URL is not None, reason="triggers run on the nodes, with other plans")

SESSION = """INSERT INTO "ChatSession" ("userId", "id") VALUES ('ada', 'x')"""
MESSAGE = """INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "sequence")
    VALUES ('ada', 'x', 'm', 'user', '{}', 0)"""
CHANGES = {
    "create": ([], SESSION),
    "update": ([SESSION], 'UPDATE "ChatSession" SET "isPinned" = true'),
    "delete": ([SESSION, MESSAGE], 'DELETE FROM "ChatSession"'),
    "append": ([SESSION], MESSAGE),
    "replace": ([SESSION, MESSAGE], """UPDATE "ChatMessage" SET "role" = 'tool'"""),
    "cut": ([SESSION, MESSAGE], 'DELETE FROM "ChatMessage"'),
}
CHANGED_ROWS = "NAMEDTUPLESTORESCAN"


@pytest.fixture
async def fresh(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a separate database that reports each plan that it makes."""
    connection = await asyncpg.connect(await migrated_database(postgres))
    await connection.execute("SET debug_print_plan = on; SET debug_pretty_print = off; SET client_min_messages = log")
    yield connection
    await connection.close()


async def plans(connection: asyncpg.Connection, statement: str) -> list[Sequence[str]]:
    """Return the nodes of each plan that a statement makes and that reads the changed rows."""
    logged: list[str] = []

    def listen(_connection: object, message: asyncpg.PostgresLogMessage) -> None:
        logged.append(str(message.detail))

    connection.add_log_listener(listen)
    await connection.execute(statement)
    connection.remove_log_listener(listen)
    found = [re.findall(r"\{([A-Z]+)", each) for each in logged]
    return [nodes for nodes in found if CHANGED_ROWS in nodes]


@pytest.mark.parametrize("change", CHANGES)
async def test_triggers_look_up_each_changed_row_and_join_none(change: str, fresh: asyncpg.Connection) -> None:
    """Like the API, the test changes session and messages in one transaction."""
    before, statement = CHANGES[change]
    async with fresh.transaction():
        for each in before:
            await fresh.execute(each)
        made = await plans(fresh, statement)
    assert made
    for nodes in made:
        assert not {"HASHJOIN", "MERGEJOIN", "MATERIAL", "SEQSCAN"} & set(nodes)
        assert "NESTLOOP" not in nodes or ("LIMIT" in nodes and nodes.count(CHANGED_ROWS) == 1)


async def test_direct_sql_that_changes_messages_finds_their_sessions_with_a_new_plan_each_time(
    fresh: asyncpg.Connection,
) -> None:
    for statement in (SESSION, MESSAGE):
        await fresh.execute(statement)
    for _ in range(2):
        made = await plans(fresh, """UPDATE "ChatMessage" SET "role" = "role" || 's'""")
        assert len([nodes for nodes in made if "MODIFYTABLE" in nodes]) == 1
