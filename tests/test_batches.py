"""Statements that take rows in batches stay cheap with the statistics of an empty table."""
# ruff: noqa: S608 - names are constants

from collections.abc import AsyncIterator

import asyncpg
import pytest

from chat_sessions.dev.embedded import Postgres
from chat_sessions.operator.bulk import TAKE_NOTES_OF_USER
from chat_sessions.store.outbox import EXPIRE_TOMBSTONES, MEASURE, MOST_COUNTED, READ_NOTES, TAKE_NOTES
from tests.plans import Plan, explain, planned_database

ROWS = 3000
NOTES = """INSERT INTO "Outbox" ("userId", "sessionId", "change")
    SELECT 'ada', gen_random_uuid(), 'deleted' FROM generate_series(1, {rows})"""
TOMBSTONES = """INSERT INTO "Tombstone" ("userId", "sessionId", "deletedAt")
    SELECT 'ada', gen_random_uuid(), now() - interval '1 year' FROM generate_series(1, {rows})"""


@pytest.fixture(scope="module")
async def emptied(postgres: Postgres) -> AsyncIterator[asyncpg.Pool]:
    """Both tables were used, emptied and analysed, and then filled at once."""
    async with planned_database(postgres, "emptied") as pool:
        for table, fill in (("Outbox", NOTES), ("Tombstone", TOMBSTONES)):
            await pool.execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')
            await pool.execute(fill.format(rows=2000))
            # The last row keeps the file from shrinking, so Postgres records many pages with no rows.
            await pool.execute(f'DELETE FROM "{table}" WHERE ctid < (SELECT max(ctid) FROM "{table}")')
            await pool.execute(f'VACUUM ANALYZE "{table}"')
            await pool.execute(f'DELETE FROM "{table}"')
            await pool.execute(f'ANALYZE "{table}"')
            await pool.execute(fill.format(rows=ROWS))
        yield pool


@pytest.fixture(
    params=[
        (TAKE_NOTES, (1000,)),
        (TAKE_NOTES_OF_USER, ("ada", 1000)),
        (EXPIRE_TOMBSTONES, (24, 1000)),
        (READ_NOTES, (1000,)),
        (MEASURE, (MOST_COUNTED,)),
    ],
    ids=["take notes", "take notes of a user", "forget tombstones", "read notes", "measure"],
)
async def plan(request: pytest.FixtureRequest, emptied: asyncpg.Pool) -> Plan:
    statement, values = request.param
    return await explain(emptied, statement, *values)


async def test_no_plan_node_runs_more_than_once(plan: Plan) -> None:
    assert plan.most_loops == 1


async def test_a_batch_reads_at_most_two_table_scans(plan: Plan) -> None:
    assert plan.read <= 2 * ROWS


async def test_measuring_a_large_backlog_does_not_count_all_of_it(emptied: asyncpg.Pool) -> None:
    assert (await explain(emptied, MEASURE, 100)).read == 101
