"""Statements with hundreds of ids use the index even under a generic plan, and frequent reads settle on one.

Postgres considers one from the sixth execution on, and assumes an account of average size.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import asyncpg
import pytest

from chat_sessions.contract.schemas import BatchDeletion, DeletionFilter
from chat_sessions.dev.embedded import Postgres
from chat_sessions.operator.bulk import BulkStore, Position
from chat_sessions.settings import Settings
from chat_sessions.store.batches import SESSIONS_PER_PIECE
from chat_sessions.store.prisma.client import prisma_client
from chat_sessions.store.session_store import ORDINARY, SessionStore
from chat_sessions.store.sql_reads import ListShape, list_sessions, open_session
from tests.plans import Plan, explain_generic, planned_database

LATER = datetime(2027, 1, 1, tzinfo=UTC)
# Half of the sessions belong to ada, the others to a thousand users.
FILL = """INSERT INTO "ChatSession" ("id", "userId", "updatedAt")
    SELECT lpad(n::text, 8, '0'), CASE n % 2 WHEN 0 THEN 'ada' ELSE 'user' || n % 2000 END,
        '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => n / 3)
    FROM generate_series(1, 60000) AS n ORDER BY md5(n::text)"""
FILL_SESSIONS = """INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "sequence")
    SELECT 'ada', lpad((n / 20 * 2)::text, 8, '0'), n::text, 'user', '{"content":"Some words."}', n % 20
    FROM generate_series(20, 4019) AS n"""
IDS = [f"{number:08}" for number in range(2, 2 * SESSIONS_PER_PIECE + 2, 2)]
# How often Postgres plans a statement for its values before it considers a generic plan.
TRIALS = 5
# Fills the database in which statements are recorded.
RECORDED = """INSERT INTO "ChatSession" ("id", "userId") SELECT n::text, 'ada' FROM generate_series(1, $1::int) AS n"""


@pytest.fixture(scope="module")
async def crowd(postgres: Postgres) -> AsyncIterator[asyncpg.Pool]:
    async with planned_database(postgres, "generic") as pool:
        await pool.execute(FILL)
        await pool.execute(FILL_SESSIONS)
        await pool.execute('VACUUM ANALYZE "ChatSession", "ChatMessage"')
        yield pool


class Recorded:
    """The statements of one call."""

    def __init__(self, statements: Sequence[str], crowd: asyncpg.Pool) -> None:
        self._statements = statements
        self._crowd = crowd

    async def plan(self, verb: str, *values: object) -> Plan:
        """Explain the last statement with this many values, under the settings of its transaction."""
        fits = [each for each in self._statements if each.lstrip().startswith(verb) and f"${len(values)}" in each]
        settings = dict.fromkeys(each for each in self._statements if each.startswith("SET "))
        return await explain_generic(self._crowd, list(settings), fits[-1], *values)


@pytest.fixture
async def walk(settings: Settings, database: asyncpg.Pool, crowd: asyncpg.Pool) -> Recorded:
    """A deletion by filter in several pieces."""
    await database.execute(RECORDED, 2 * SESSIONS_PER_PIECE)
    statements: list[str] = []
    async with prisma_client(settings, on_statement=statements.append) as prisma:
        batch = BatchDeletion(filter=DeletionFilter(all=True))
        pieces = [len(ids) async for ids in SessionStore(prisma).delete_batch("ada", batch)]
    assert pieces == [SESSIONS_PER_PIECE, SESSIONS_PER_PIECE, 0]
    return Recorded(statements, crowd)


async def test_a_piece_is_deleted_by_its_ids(walk: Recorded) -> None:
    plan = await walk.plan("DELETE", "ada", *IDS)
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == SESSIONS_PER_PIECE


async def test_a_piece_starts_where_the_previous_one_ended(walk: Recorded) -> None:
    plan = await walk.plan("SELECT", "ada", "00009900", LATER, SESSIONS_PER_PIECE, *[None] * 7)
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == SESSIONS_PER_PIECE


async def test_an_erasure_deletes_by_ids(settings: Settings, database: asyncpg.Pool, crowd: asyncpg.Pool) -> None:
    await database.execute(RECORDED, SESSIONS_PER_PIECE)
    statements: list[str] = []
    async with prisma_client(settings, on_statement=statements.append) as prisma:
        assert len(await BulkStore(prisma).delete_of("ada", SESSIONS_PER_PIECE)) == SESSIONS_PER_PIECE
    plan = await Recorded(statements, crowd).plan("DELETE", *IDS, "ada")
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == SESSIONS_PER_PIECE


async def test_a_purge_deletes_by_ids(settings: Settings, database: asyncpg.Pool, crowd: asyncpg.Pool) -> None:
    await database.execute(RECORDED, SESSIONS_PER_PIECE)
    statements: list[str] = []
    async with prisma_client(settings, on_statement=statements.append) as prisma:
        assert len(await BulkStore(prisma).delete_unused(LATER, Position(), SESSIONS_PER_PIECE)) == SESSIONS_PER_PIECE
    plan = await Recorded(statements, crowd).plan("DELETE", ["ada"] * len(IDS), IDS, LATER)
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == SESSIONS_PER_PIECE


PAGE = ListShape(pinned_first=True, archived="false", after=False, search=False, metadata=False)
READS = [
    (open_session(whole_turns=False), (IDS[0], "ada", None, 50, *ORDINARY)),
    (list_sessions(PAGE), ("ada", 50, 0, None)),
]


@pytest.mark.parametrize(("statement", "values"), READS, ids=["session", "list"])
async def test_a_read_settles_on_a_generic_plan(statement: str, values: Sequence[object], crowd: asyncpg.Pool) -> None:
    async with crowd.acquire() as connection:
        prepared = await connection.prepare(statement)
        for _ in range(TRIALS + 1):
            await prepared.fetch(*values)
        count = 'SELECT "generic_plans" FROM pg_prepared_statements WHERE "statement" = $1'
        assert await connection.fetchval(count, statement) == 1
