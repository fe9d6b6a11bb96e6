"""Statements with hundreds of ids use the index, and frequent reads settle on a generic plan.

Postgres considers one from the sixth execution of a named statement on, and assumes an account of average size.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest

from chat_sessions.contract.fields import MAX_INTEGER
from chat_sessions.contract.schemas import BatchDeletion, DeletionFilter
from chat_sessions.contract.search import SearchQuery
from chat_sessions.dev.embedded import Postgres
from chat_sessions.operator.bulk import BulkStore, Position
from chat_sessions.settings import Settings
from chat_sessions.store.batches import SESSIONS_PER_PIECE
from chat_sessions.store.filters import ListQuery
from chat_sessions.store.prisma.client import BridgedPrisma, prisma_client
from chat_sessions.store.session_store import ORDINARY, SessionStore
from chat_sessions.store.sql_reads import ListShape, list_sessions, open_session
from chat_sessions.store.sql_search import SESSIONS
from tests import citus
from tests.plans import BY_PIN, BY_SEQUENCE, BY_TIME, Plan, explain, explain_generic, planned_database

LATER = datetime(2027, 1, 1, tzinfo=UTC)
FAR = datetime(9000, 1, 1, tzinfo=UTC)
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


pytestmark = pytest.mark.skipif(
    citus.URL is not None, reason="the coordinator plans which node runs a statement, not how: the nodes plan that"
)


@pytest.fixture(scope="module")
async def crowd(postgres: Postgres) -> AsyncIterator[asyncpg.Pool]:
    async with planned_database(postgres, "generic") as pool:
        await pool.execute(FILL)
        await pool.execute(FILL_SESSIONS)
        await pool.execute('VACUUM ANALYZE "ChatSession", "ChatMessage"')
        yield pool


class Recorded:
    """The statements of one call, and which of them the engine has prepared."""

    def __init__(self, crowd: asyncpg.Pool) -> None:
        self._crowd = crowd
        self.statements: list[str] = []
        self._prepared: set[str] = set()

    @asynccontextmanager
    async def calls(self, settings: Settings) -> AsyncIterator[BridgedPrisma]:
        """Record what a client sends on its only connection."""
        one = settings.model_copy(update={"database_pool_size": 1})
        async with prisma_client(one, on_statement=self.statements.append) as prisma:
            yield prisma
            prepared = await prisma.query_raw("SELECT statement FROM pg_prepared_statements")
        self._prepared = {row["statement"] for row in prepared}

    async def plan(self, verb: str, *values: object) -> Plan:
        """Explain the last statement with this many values, with its generic plan if Postgres may use one."""
        wanted = re.compile(rf"\s*(/\*.*\*/\s*)?{verb}\b")
        fits = [each for each in self.statements if wanted.match(each) and f"${len(values)}" in each]
        explaining = explain_generic if fits[-1] in self._prepared else explain
        return await explaining(self._crowd, fits[-1], *values)


@pytest.fixture
async def walk(settings: Settings, database: asyncpg.Pool, crowd: asyncpg.Pool) -> Recorded:
    """A deletion by filter in several pieces."""
    await database.execute(RECORDED, 2 * SESSIONS_PER_PIECE)
    recorded = Recorded(crowd)
    async with recorded.calls(settings) as prisma:
        batch = BatchDeletion(filter=DeletionFilter(all=True))
        pieces = [len(ids) async for ids in SessionStore(prisma).delete_batch("ada", batch)]
    assert pieces == [SESSIONS_PER_PIECE, SESSIONS_PER_PIECE, 0]
    return recorded


async def test_a_piece_is_deleted_by_its_ids(walk: Recorded) -> None:
    plan = await walk.plan("DELETE", "ada", *IDS)
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == SESSIONS_PER_PIECE


async def test_no_setting_makes_postgres_plan_the_cascade_for_each_session(walk: Recorded) -> None:
    settings = [each for each in walk.statements if each.startswith("SET ")]
    assert set(settings) == {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"}


async def test_a_piece_starts_where_the_previous_one_ended(walk: Recorded) -> None:
    plan = await walk.plan("SELECT", "ada", "00009900", LATER, SESSIONS_PER_PIECE, *[None] * 7)
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == SESSIONS_PER_PIECE


async def test_an_erasure_deletes_by_ids(settings: Settings, database: asyncpg.Pool, crowd: asyncpg.Pool) -> None:
    await database.execute(RECORDED, SESSIONS_PER_PIECE)
    recorded = Recorded(crowd)
    async with recorded.calls(settings) as prisma:
        assert len(await BulkStore(prisma).delete_of("ada", SESSIONS_PER_PIECE)) == SESSIONS_PER_PIECE
    plan = await recorded.plan("DELETE", *IDS, "ada")
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == SESSIONS_PER_PIECE


async def test_an_erasure_finds_the_next_sessions_in_the_index(
    settings: Settings, database: asyncpg.Pool, crowd: asyncpg.Pool
) -> None:
    await database.execute(RECORDED, SESSIONS_PER_PIECE)
    recorded = Recorded(crowd)
    async with recorded.calls(settings) as prisma:
        await BulkStore(prisma).delete_of("ada", SESSIONS_PER_PIECE)
    plan = await recorded.plan("SELECT", "ada", SESSIONS_PER_PIECE)
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == SESSIONS_PER_PIECE


@pytest.fixture
async def filtered(settings: Settings, crowd: asyncpg.Pool) -> Recorded:
    """A search and a filtered list."""
    recorded = Recorded(crowd)
    async with recorded.calls(settings) as prisma:
        store = SessionStore(prisma)
        await store.search.page("ada", SearchQuery("nothing", limit=50))
        await store.list("ada", ListQuery(limit=50, metadata='{"a":1}'))
    return recorded


@pytest.mark.usefixtures("database")
async def test_a_search_reads_the_newest_sessions_from_the_index(filtered: Recorded) -> None:
    plan = await filtered.plan("WITH", "ada", "%nothing%", "%nothing%", FAR, "", MAX_INTEGER, 50)
    assert set(plan.indexes) == {BY_TIME, BY_SEQUENCE}
    assert plan.read == SESSIONS


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("wanted", "read"), [("{}", 51), ('{"a":1}', 30_000)], ids=["all", "none"])
async def test_a_metadata_filter_reads_the_sessions_of_its_user_until_the_page_is_full(
    wanted: str, read: int, filtered: Recorded
) -> None:
    plan = await filtered.plan("SELECT", "ada", 50, 0, 30_000, wanted)
    assert plan.indexes == [BY_PIN]
    assert plan.read == read


async def test_a_purge_deletes_by_ids(settings: Settings, database: asyncpg.Pool, crowd: asyncpg.Pool) -> None:
    await database.execute(RECORDED, SESSIONS_PER_PIECE)
    recorded = Recorded(crowd)
    async with recorded.calls(settings) as prisma:
        assert len(await BulkStore(prisma).delete_unused(LATER, Position(), SESSIONS_PER_PIECE)) == SESSIONS_PER_PIECE
    plan = await recorded.plan("DELETE", ["ada"] * len(IDS), IDS, LATER)
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == SESSIONS_PER_PIECE


PAGE = list_sessions(
    ListShape(pinned_first=True, archived="false", after=False, search=False, metadata=False, at_most=50)
)
READS = [
    (open_session(whole_turns=False), (IDS[0], "ada", None, 50, *ORDINARY)),
    (PAGE, ("ada", 50, 0, None)),
]


async def settles(database: asyncpg.Pool, statement: str, *values: object) -> bool:
    """Whether Postgres prefers the generic plan once it may."""
    async with database.acquire() as connection:
        prepared = await connection.prepare(statement)
        for _ in range(TRIALS + 1):
            await prepared.fetch(*values)
        count = 'SELECT "generic_plans" FROM pg_prepared_statements WHERE "statement" = $1'
        return bool(await connection.fetchval(count, statement) == 1)


@pytest.mark.parametrize(("statement", "values"), READS, ids=["session", "list"])
async def test_a_read_settles_on_a_generic_plan(statement: str, values: Sequence[object], crowd: asyncpg.Pool) -> None:
    assert await settles(crowd, statement, *values)


# Bob's account is small, the average one large.
NEIGHBOURS = """INSERT INTO "ChatSession" ("id", "userId")
    SELECT n::text, CASE WHEN n <= 60 THEN 'bob' ELSE 'ada' END FROM generate_series(1, 30000) AS n"""


@pytest.fixture(scope="module")
async def neighbours(postgres: Postgres) -> AsyncIterator[asyncpg.Pool]:
    async with planned_database(postgres, "neighbours") as pool:
        await pool.execute(NEIGHBOURS)
        await pool.execute('VACUUM ANALYZE "ChatSession"')
        yield pool


@pytest.mark.parametrize("total", [None, 60], ids=["counted", "known"])
async def test_large_accounts_do_not_make_postgres_plan_the_lists_of_small_ones_each_time(
    total: int | None, neighbours: asyncpg.Pool
) -> None:
    assert await settles(neighbours, PAGE, "bob", 50, 0, total)
