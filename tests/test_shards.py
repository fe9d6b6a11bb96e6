"""Every API statement touches one user's rows, so that users can live on different shards.

Postgres proves it: its planner gets each captured statement for tables partitioned by user, and prunes the other
partitions only if the statement names the user.
"""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import asyncpg
import pytest

from chat_sessions.dev.embedded import Postgres
from tests import citus
from tests.costs import counted
from tests.plans import planned_database
from tests.service import Caller, Service, new_id

pytestmark = pytest.mark.skipif(citus.URL is not None, reason="Citus' nodes plan, not the coordinator: test_citus.py")

PATH = "/api/chat/sessions"
TABLES = ("ChatSession", "ChatMessage", "Outbox", "Tombstone")
PARTITIONS = 8
# Any value of a type will do, as long as the text is one user's.
VALUES = {
    "text": "'ada'",
    "text[]": "ARRAY['ada']",
    "integer": "1",
    "bigint": "1",
    "bigint[]": "ARRAY[1]",
    "boolean": "true",
    "json": "'[]'",
    "jsonb": "'[]'",
    "timestamp with time zone": "now()",
}


@pytest.fixture(scope="module")
async def partitioned(postgres: Postgres) -> AsyncIterator[asyncpg.Pool]:
    async with planned_database(postgres, "partitioned") as pool:
        await pool.execute("ALTER SCHEMA public RENAME TO plain; CREATE SCHEMA public")
        for table in TABLES:
            await pool.execute(
                f'CREATE TABLE public."{table}" (LIKE plain."{table}" INCLUDING ALL) PARTITION BY HASH ("userId")'
            )
            for rest in range(PARTITIONS):
                await pool.execute(
                    f'CREATE TABLE public."{table}_{rest}" PARTITION OF public."{table}" '
                    f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {rest})"
                )
        yield pool


async def partitions(database: asyncpg.Pool, statement: str) -> list[str]:
    """Return the partitions in the plan of a statement."""
    async with database.acquire() as connection:
        await connection.execute("SET plan_cache_mode = force_custom_plan")
        await connection.execute(f"PREPARE planned AS {statement}")
        types = await connection.fetchval(
            "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'planned'"
        )
        values = f"({', '.join(VALUES[each] for each in types)})" if types else ""
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE planned{values}")
        await connection.execute("DEALLOCATE planned")
    return sorted(set(_relations(json.loads(plan)[0]["Plan"])))


def _relations(node: dict[str, Any]) -> Iterator[str]:
    # A write finds its rows with a scan below; each inserted row finds its partition by its user.
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        yield node["Relation Name"]
    for child in node.get("Plans", []):
        yield from _relations(child)


async def every_call(ada: Caller) -> None:
    """Make the service send all its statements."""
    message = {"role": "user", "content": "Hello", "id": "m1"}
    await ada.create(id=(session_id := new_id()), title="Lisbon", messages=[message])
    await ada.create(id=session_id)
    await ada.create("Porto")
    for order in ({}, {"pinned_first": False}):
        cursor = (await ada.page(limit=1, **order)).json()["next_cursor"]
        for more in ({}, {"q": "o"}):
            await ada.page(**order, **more)
            await ada.page(cursor=cursor, **order, **more)
            await ada.page(metadata='{"a":1}', **order, **more)
    await ada.append(session_id, "x" * 600_000, id="m2")
    await ada.get(session_id)
    await ada.get(session_id, before_sequence=1)
    await ada.get(session_id, whole_turns=True)
    for q in ("o", "xxx", "nothing"):
        assert (await ada.http.get(f"{PATH}/search", params={"q": q})).status_code == 200
    assert (await ada.http.get("/api/chat/export")).status_code == 200
    await ada.append(session_id, "Hello", id="m1", after_sequence=0)
    await ada.page(archived="any")
    await ada.change(session_id, title="Lisbon in May", is_pinned=True)
    await ada.replace(session_id, "m1", "Bye")
    await ada.replace(session_id, "m1", "Late", if_match='"1"')
    await ada.change(session_id, is_archived=True, metadata={"a": 1})
    for start in (9, 1, 0):
        await ada.cut(session_id, start)
    await ada.cut(session_id, 0, if_match='"1"')
    await ada.change(session_id, title="Late", if_match='"1"')
    await ada.delete(session_id, if_match='"1"')
    await ada.delete(session_id)
    filters = {"q": "o", "pinned": False, "metadata": {"a": 1}, "updated_before": "2100-01-01T00:00:00Z"}
    for batch in ({"ids": [session_id]}, {"filter": filters, "dry_run": True}, {"filter": {"all": True}}):
        assert (await ada.http.post(f"{PATH}/batch-delete", json=batch)).status_code == 200


@pytest.fixture
async def sent(service: Service, ada: Caller) -> Sequence[str]:
    """The statements that name a table, without the sweeper's."""
    statements = counted(service)
    await every_call(ada)
    mentioning = [each for each in statements() if any(f'"{table}"' in each for table in TABLES)]
    return [each for each in dict.fromkeys(mentioning) if '"Outbox"' not in each and '"Tombstone"' not in each]


async def test_every_statement_of_the_api_touches_one_users_partitions(
    sent: Sequence[str], partitioned: asyncpg.Pool
) -> None:
    assert {"SELECT", "UPDATE", "DELETE", "WITH"} <= {each.split()[0] for each in sent}
    for statement in sent:
        touched = await partitions(partitioned, statement)
        assert len({each.partition("_")[0] for each in touched}) == len(touched), statement


async def test_a_statement_without_a_user_is_detected(partitioned: asyncpg.Pool) -> None:
    by_id = await partitions(partitioned, 'SELECT FROM "ChatMessage" WHERE "sessionId" = $1')
    assert by_id == [f"ChatMessage_{rest}" for rest in range(PARTITIONS)]
