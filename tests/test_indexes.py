"""The indexes that statements use, on a table large enough to matter to Postgres."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from chat_sessions.dev.embedded import Postgres
from chat_sessions.store.outbox import EXPIRE_TOMBSTONES, TAKE_NOTES
from chat_sessions.store.search_keys import WITHOUT_KEY
from chat_sessions.store.session_store import ORDINARY
from tests.plans import BY_PIN, BY_SEQUENCE, BY_TIME, explain, planned_database
from tests.service import Caller, Service

MIDDLE = datetime(2026, 1, 1, 0, 55, tzinfo=UTC)

# Twenty users with a thousand sessions each; a twentieth is pinned, at random, since people return
# to old sessions. One of them has many messages. Another user has archived nearly everything. Without statistics of the
# sessions, Postgres would look up the session of each message in the wrong index, which takes half a minute.
FILL = """
INSERT INTO "ChatSession" ("id", "userId", "title", "titleKey", "isPinned", "messageCount", "updatedAt")
SELECT lpad(n::text, 8, '0'), CASE n % 20 WHEN 0 THEN 'ada' ELSE 'user' || n % 20 END, 'Chat ' || n, 'chat ' || n,
    n % 400 = 0,
    CASE n WHEN 20 THEN 5000 ELSE 0 END, '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => n / 3)
FROM generate_series(1, 20000) AS n ORDER BY md5(n::text);
INSERT INTO "ChatSession" ("id", "userId", "isArchived", "isPinned", "updatedAt")
SELECT lpad(n::text, 8, '0'), 'eve', n % 300 <> 0, n % 600 = 0,
    '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => n)
FROM generate_series(1, 3000) AS n ORDER BY md5(n::text);
ANALYZE;
INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "sequence", "body")
SELECT 'ada', '00000020', n::text, 'user', n, '{}'::json FROM generate_series(0, 4999) AS n
UNION ALL SELECT "userId", "id", '1', 'user', 0, '{}' FROM "ChatSession" WHERE "id" > '00000100';
INSERT INTO "Tombstone" ("userId", "sessionId") SELECT 'ada', 'gone' || n FROM generate_series(1, 20000) AS n;
INSERT INTO "Outbox" ("userId", "sessionId", "change") SELECT 'ada', 'x', 'updated' FROM generate_series(1, 20000);
VACUUM ANALYZE;
"""


@pytest.fixture(scope="module")
async def crowd(postgres: Postgres) -> AsyncIterator[asyncpg.Pool]:
    """A database with all those rows; the statements come from the service on the other one."""
    async with planned_database(postgres, "crowd") as pool:
        for statement in FILL.strip().removesuffix(";").split(";"):
            await pool.execute(statement)
        yield pool


class Sent:
    """The statements that API calls send."""

    def __init__(self, service: Service) -> None:
        self._statements = service.record_statements()

    def one(self, *fragments: str) -> str:
        """Return the last statement that contains all the fragments."""
        found = [each for each in self._statements() if all(fragment in each for fragment in fragments)]
        assert found, f"none with {fragments}"
        return found[-1]


@pytest.fixture
def sent(service: Service) -> Sent:
    return Sent(service)


async def cursor(ada: Caller, **params: bool) -> str:
    """A cursor after some session."""
    for _ in range(2):
        await ada.create()
    next_cursor: str = (await ada.page(limit=1, **params)).json()["next_cursor"]
    return next_cursor


# User, limit, offset, and a known total.
PAGE = ("ada", 50, 0, 1000)


@pytest.mark.parametrize(("pinned_first", "index"), [(True, BY_PIN), (False, BY_TIME)])
async def test_the_first_page_is_read_in_index_order(
    pinned_first: bool, index: str, ada: Caller, sent: Sent, crowd: asyncpg.Pool
) -> None:
    await ada.page(pinned_first=pinned_first)
    plan = await explain(crowd, sent.one("ORDER BY"), *PAGE)
    assert plan.indexes == [index]
    assert plan.read == 51


@pytest.mark.parametrize(
    ("place", "index"),
    [
        ((False, MIDDLE, "00009900"), BY_PIN),
        ((True, MIDDLE, "00009900"), BY_PIN),
        ((MIDDLE, "00009900"), BY_TIME),
    ],
    ids=["after the pinned ones", "among the pinned ones", "without pins"],
)
async def test_a_deep_page_costs_as_much_as_the_first(
    place: tuple[object, ...], index: str, ada: Caller, sent: Sent, crowd: asyncpg.Pool
) -> None:
    pinned_first = index == BY_PIN
    await ada.page(pinned_first=pinned_first, cursor=await cursor(ada, pinned_first=pinned_first))
    plan = await explain(crowd, sent.one("ORDER BY", ") < ("), *PAGE, *place)
    assert plan.indexes == [index]
    assert plan.read == 51


@pytest.mark.parametrize(("pinned_first", "index"), [(True, BY_PIN), (False, BY_TIME)])
async def test_archived_sessions_cost_the_list_of_live_ones_nothing(
    pinned_first: bool, index: str, ada: Caller, sent: Sent, crowd: asyncpg.Pool
) -> None:
    await ada.page(pinned_first=pinned_first)
    plan = await explain(crowd, sent.one("ORDER BY"), "eve", 50, 0, 10)
    assert plan.indexes == [index]
    assert plan.read == 10


@pytest.mark.parametrize(("pinned_first", "index"), [(True, BY_PIN), (False, BY_TIME)])
@pytest.mark.parametrize("place", [None, MIDDLE], ids=["first", "deep"])
async def test_a_page_of_all_sessions_merges_two_index_ranges(
    place: datetime | None, pinned_first: bool, index: str, ada: Caller, sent: Sent, crowd: asyncpg.Pool
) -> None:
    after = {} if place is None else {"cursor": await cursor(ada, pinned_first=pinned_first)}
    await ada.page(archived="any", pinned_first=pinned_first, **after)
    values = () if place is None else (*([False] if pinned_first else []), place, "00009900")
    plan = await explain(crowd, sent.one("UNION ALL", *([") < ("] if place else [])), "eve", 50, 0, 3000, *values)
    assert plan.indexes == [index, index]
    assert 51 <= plan.read <= 51 + 10


@pytest.mark.parametrize(("archived", "count"), [("false", 10), ("true", 2990), ("any", 3000)])
async def test_each_total_is_counted_in_an_index(
    archived: str, count: int, ada: Caller, sent: Sent, crowd: asyncpg.Pool
) -> None:
    await ada.page(archived=archived)
    statement = sent.one("ORDER BY")
    plan = await explain(crowd, statement, "eve", 50, 0, None)
    assert "Index Only Scan" in plan.kinds
    assert plan.read - (await explain(crowd, statement, "eve", 50, 0, 1)).read == count


async def test_a_search_reads_only_its_users_sessions(ada: Caller, sent: Sent, crowd: asyncpg.Pool) -> None:
    await ada.page(q="chat")
    plan = await explain(crowd, sent.one("ORDER BY", "ILIKE"), *PAGE, *["%no such title%"] * 2)
    assert len(plan.indexes) == 1
    assert plan.read == 1000


@pytest.mark.parametrize("whole_turns", [False, True])
@pytest.mark.parametrize("before", [None, 2500])
async def test_a_page_of_messages_is_read_from_the_index(
    before: int | None, whole_turns: bool, ada: Caller, sent: Sent, crowd: asyncpg.Pool
) -> None:
    await ada.get((await ada.create())["id"], whole_turns=whole_turns)
    plan = await explain(crowd, sent.one("ChatMessage", "LIMIT"), "00000020", "ada", before, 50, *ORDINARY)
    assert set(plan.indexes) == {"ChatSession_pkey", BY_SEQUENCE}
    # One more than the limit shows whether older ones exist. The start of a turn is found before the page is read.
    assert plan.read == 1 + 51 + 50 * whole_turns


async def test_an_append_finds_its_session_and_its_known_messages_by_id(
    ada: Caller, sent: Sent, crowd: asyncpg.Pool
) -> None:
    await ada.append((await ada.create())["id"], "a")
    given = json.dumps([{"id": each, "role": "user", "body": {}} for each in ("17", "new")])
    plan = await explain(crowd, sent.one("json_to_recordset", "known"), "00000020", "ada", given, None)
    assert {"ChatSession_pkey", "ChatMessage_pkey"} <= set(plan.indexes)
    assert "Seq Scan" not in plan.kinds
    assert plan.read < 20


async def test_a_delete_finds_its_session_by_id(ada: Caller, sent: Sent, crowd: asyncpg.Pool) -> None:
    await ada.delete((await ada.create())["id"])
    plan = await explain(crowd, sent.one("DELETE"), "00000020", "ada")
    assert plan.indexes == ["ChatSession_pkey"]
    assert plan.read == 1


@pytest.mark.parametrize(
    ("statement", "values", "indexes"),
    [
        # Postgres' own statement for the foreign key.
        (
            'DELETE FROM ONLY "ChatMessage" WHERE $1 = "userId" AND $2 = "sessionId"',
            ("user17", "00000777"),
            {"ChatMessage_pkey", BY_SEQUENCE},
        ),
        # The trigger's check after every insert.
        ('SELECT FROM "Tombstone" WHERE "userId" = $1 AND "sessionId" = $2', ("ada", "gone77"), {"Tombstone_pkey"}),
    ],
    ids=["cascade", "tombstones"],
)
async def test_internal_statements_use_an_index(
    statement: str, values: tuple[str, ...], indexes: set[str], crowd: asyncpg.Pool
) -> None:
    plan = await explain(crowd, statement, *values)
    assert plan.indexes
    assert set(plan.indexes) <= indexes
    assert "Seq Scan" not in plan.kinds


async def test_the_triggers_of_a_delete_scan_no_whole_table(crowd: asyncpg.Pool) -> None:
    before = await scanned(crowd)
    async with crowd.acquire() as connection:
        await connection.execute('DELETE FROM "ChatSession" WHERE "userId" = $1 AND "id" = $2', "user18", "00000778")
        await connection.execute('INSERT INTO "ChatSession" ("id", "userId") VALUES ($1, $2)', "new", "nobody")
    assert await scanned(crowd) == before


async def scanned(crowd: asyncpg.Pool) -> dict[str, int]:
    """Return the number of sequential scans of each table that grows."""
    async with crowd.acquire() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        found = await connection.fetch("SELECT relname, seq_scan FROM pg_stat_user_tables")
    return {row["relname"]: row["seq_scan"] for row in found if row["relname"] != "WebhookReceiver"}


async def test_the_sweeper_reads_the_oldest_notes_from_the_index(crowd: asyncpg.Pool) -> None:
    plan = await explain(crowd, TAKE_NOTES, 200)
    assert set(plan.indexes) == {"Outbox_pkey"}
    # Locked, deleted, returned.
    assert plan.read == 3 * 200


async def test_old_tombstones_are_found_by_age(crowd: asyncpg.Pool) -> None:
    plan = await explain(crowd, EXPIRE_TOMBSTONES, 24, 1000)
    assert "Tombstone_deletedAt_idx" in plan.indexes


async def test_missing_search_keys_are_found_in_an_index_of_their_own(crowd: asyncpg.Pool) -> None:
    plan = await explain(crowd, WITHOUT_KEY, 500)
    assert plan.indexes == ["ChatSession_without_titleKey"]
    assert plan.read == 0
