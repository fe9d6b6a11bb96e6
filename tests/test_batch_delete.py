"""Batch deletes."""

import asyncio
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.session_cache import MAX_SESSIONS_PER_EVICTION
from chat_sessions.store import batches
from tests.caching import cached
from tests.costs import commands
from tests.databases import LOCK_SESSION
from tests.service import Caller, Service, new_id
from tests.waiting import a_statement_waits, deletion_under_way, swept, until

PATH = "/api/chat/sessions/batch-delete"
# Citus can lock rows of one user only.


async def batch(caller: Caller, **body: object) -> dict[str, Any]:
    response = await caller.http.post(PATH, json=body)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


async def created(caller: Caller, *titles: str) -> list[str]:
    return [(await caller.create(title))["id"] for title in titles]


async def test_only_the_named_sessions_are_deleted(ada: Caller) -> None:
    one, two, _ = await created(ada, "one", "two", "three")
    result = await batch(ada, ids=[one, two])
    assert (sorted(result["deleted"]), result["not_found"], result["count"]) == (sorted([one, two]), [], 2)
    assert await ada.titles() == ["three"]


async def test_missing_ids_and_ids_of_other_users_are_reported_as_not_found(ada: Caller, bob: Caller) -> None:
    foreign, missing = (await created(bob, "Bob's"))[0], new_id()
    result = await batch(ada, ids=[foreign, missing, "no id at all"])
    assert result == {"deleted": [], "not_found": [foreign, missing, "no id at all"], "count": 0}
    assert await bob.titles() == ["Bob's"]


async def test_a_filter_leaves_another_users_sessions_with_the_same_ids(ada: Caller, bob: Caller) -> None:
    ids = await created(ada, "Ada's", "hers")
    for session_id in ids:
        await bob.create("Bob's", id=session_id)
    assert sorted((await batch(ada, filter={"all": True}))["deleted"]) == sorted(ids)
    assert await bob.titles() == ["Bob's", "Bob's"]


async def test_a_repeated_id_is_reported_once(ada: Caller) -> None:
    (one,), missing = await created(ada, "one"), new_id()
    result = await batch(ada, ids=[one, one, missing, missing])
    assert result == {"deleted": [one], "not_found": [missing], "count": 1}


async def test_a_refused_filter_says_how_to_delete_everything(ada: Caller) -> None:
    response = await ada.http.post(PATH, json={"filter": {}})
    assert response.json()["detail"] == (
        'filter: must have at least one criterion; {"all": true} deletes all of your sessions.'
    )


@pytest.mark.parametrize("moment", ["2099-12-31t00:00:00z", "2099-12-31 00:00:00.123456789+01:00"])
async def test_every_spelling_of_rfc_3339_is_a_time(moment: str, ada: Caller) -> None:
    await created(ada, "one")
    assert (await batch(ada, filter={"updated_before": moment}))["count"] == 1


async def test_a_dry_run_deletes_nothing(ada: Caller) -> None:
    (one,) = await created(ada, "one")
    assert await batch(ada, ids=[one], dry_run=True) == {"deleted": [one], "not_found": [], "count": 1}
    assert await ada.titles() == ["one"]


async def test_all_deletes_all_sessions_of_the_user_only(ada: Caller, bob: Caller) -> None:
    await created(ada, "one", "two")
    await created(bob, "Bob's")
    assert (await batch(ada, filter={"all": True}))["count"] == 2
    assert await ada.titles() == []
    assert await bob.titles() == ["Bob's"]


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        ({"q": "LIS"}, ["pinned", "Porto"]),
        ({"pinned": False}, ["pinned"]),
        ({"pinned": True}, ["Lisbon", "Porto"]),
        ({"updated_before": "2020-01-01T00:00:00Z"}, ["pinned", "Lisbon"]),
        ({"updated_before": "2020-01-01T00:00:00Z", "q": "Lisbon"}, ["pinned", "Lisbon", "Porto"]),
        ({"q": "%"}, ["pinned", "Lisbon", "Porto"]),
        ({"q": "  lisbon "}, ["pinned", "Porto"]),
        ({"archived": True}, ["pinned", "Lisbon"]),
        ({"archived": False}, ["Porto"]),
        ({"metadata": {"n": 1.0}}, ["pinned", "Porto"]),
        ({"metadata": {"n": 1, "a": {}}}, ["pinned", "Lisbon", "Porto"]),
        ({"archived": True, "metadata": {"a": {"b": True}}, "pinned": False}, ["pinned", "Lisbon"]),
    ],
    ids=str,
)
async def test_a_filter_deletes_the_sessions_that_match_all_its_conditions(
    ada: Caller, database: asyncpg.Pool, conditions: dict[str, object], left: list[str]
) -> None:
    porto, lisbon, pinned = await created(ada, "Porto", "Lisbon", "pinned")
    await ada.change(pinned, is_pinned=True)
    await ada.change(porto, is_archived=True, metadata={"a": {"b": True, "c": 1}})
    await ada.change(lisbon, metadata={"n": 1, "m": 2})
    await database.execute("""UPDATE "ChatSession" SET "updatedAt" = '2019-01-01' WHERE "id" = $1""", porto)
    await batch(ada, filter=conditions)
    assert [row["title"] for row in await database.fetch(IN_ORDER)] == left


IN_ORDER = 'SELECT "title" FROM "ChatSession" ORDER BY "isPinned" DESC, "updatedAt" DESC'


async def test_a_batch_is_one_delete_statement(service: Service, ada: Caller) -> None:
    ids = await created(ada, *"abcdefgh")
    statements = service.record_statements()
    await batch(ada, ids=ids)
    assert len([each for each in statements() if each.startswith("DELETE")]) == 1


async def test_a_batch_evicts_the_deleted_sessions(ada: Caller, redis: RedisClient) -> None:
    ids = await created(ada, "one", "two")
    await cached(redis, ada, ids)
    keys = UserKeys("ada")
    await batch(ada, ids=ids)
    assert await redis.exists(*(keys.session(each) for each in ids)) == 0
    assert [(await ada.get(each)).status_code for each in ids] == [404, 404]


async def test_concurrent_batches_report_each_deletion_once(ada: Caller) -> None:
    ids = await created(ada, *"abcdefgh")
    results = await asyncio.gather(*(ada.http.post(PATH, json={"ids": ids}) for _ in range(4)))
    assert {each.status_code for each in results} <= {200, 409}
    reported = [session_id for each in results if each.status_code == 200 for session_id in each.json()["deleted"]]
    assert sorted(reported) == sorted(ids)


async def test_a_batch_does_not_report_sessions_that_another_call_deletes(ada: Caller, database: asyncpg.Pool) -> None:
    one, two = await created(ada, "one", "two")
    async with deletion_under_way(database, one):
        late = asyncio.ensure_future(batch(ada, ids=[one, two]))
        await until(lambda: a_statement_waits(database))
    assert await late == {"deleted": [two], "not_found": [one], "count": 1}


async def test_a_batch_of_a_thousand_is_one_command_to_redis_and_a_few_events(
    ada: Caller, database: asyncpg.Pool, redis: RedisClient
) -> None:
    one, two = await created(ada, "one", "two")
    await database.execute("""INSERT INTO "ChatSession" ("id", "userId")
        SELECT 'bulk-' || n, 'ada' FROM generate_series(1, 1000) AS n""")
    await swept(database)
    await cached(redis, ada, [one, two])
    before = len(await published_changes(redis))
    async with commands(redis) as sent:
        assert (await batch(ada, filter={"all": True}))["count"] == 1002
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]
    # The sweeper publishes the last few notes one by one: too few for a reset.
    since = (await published_changes(redis))[before:]
    assert b"reset" in since
    assert len(since) <= MAX_SESSIONS_PER_EVICTION
    assert [(await ada.get(each)).status_code for each in (one, two)] == [404, 404]
    assert await ada.titles() == []


async def test_hundreds_of_deletions_by_sql_publish_a_few_events(
    ada: Caller, database: asyncpg.Pool, redis: RedisClient
) -> None:
    (one,) = await created(ada, "one")
    await database.execute("""INSERT INTO "ChatSession" ("id", "userId")
        SELECT 'bulk-' || n, 'ada' FROM generate_series(1, 400) AS n""")
    await swept(database)
    await cached(redis, ada, [one])
    # As if the last event had been sent long ago.
    await redis.delete(UserKeys("ada").events, UserKeys("ada").reset)
    await database.execute("""DELETE FROM "ChatSession" WHERE "id" LIKE 'bulk-%' OR "id" = $1""", one)
    await swept(database)
    assert (await ada.get(one)).status_code == 404
    published = await published_changes(redis)
    assert b"reset" in published
    assert len(published) <= 1 + MAX_SESSIONS_PER_EVICTION


async def published_changes(redis: RedisClient) -> list[Any]:
    events: Any = await redis.xrange(UserKeys("ada").events)
    return [event[b"change"] for _, event in events]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(batches, "SESSIONS_PER_PIECE", 10)
    return 10


@pytest.mark.parametrize("number", [9, 10, 11, 35])
async def test_a_filter_deletes_in_pieces_and_reports_each_session_once(
    small_pieces: int, service: Service, ada: Caller, bob: Caller, number: int
) -> None:
    ids = await created(ada, *map(str, range(number)))
    await created(bob, "Bob's")
    dry = await batch(ada, filter={"all": True}, dry_run=True)
    assert len(await ada.titles(limit=100)) == number
    statements = service.record_statements()
    result = await batch(ada, filter={"all": True})
    deletes = [each for each in statements() if each.startswith("DELETE")]
    assert len(deletes) == -(-number // small_pieces)
    assert result == dry == {"deleted": result["deleted"], "not_found": [], "count": number}
    assert sorted(result["deleted"]) == sorted(ids)
    assert (await ada.titles(), await bob.titles()) == ([], ["Bob's"])


@pytest.mark.usefixtures("small_pieces")
async def test_sessions_with_the_same_time_are_deleted_in_pieces(ada: Caller, database: asyncpg.Pool) -> None:
    await created(ada, *map(str, range(25)))
    await database.execute("""UPDATE "ChatSession" SET "updatedAt" = '2026-01-01'""")
    assert (await batch(ada, filter={"all": True}))["count"] == 25


async def test_a_piece_has_a_bounded_number_of_messages(
    service: Service, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MESSAGES_PER_PIECE", 3)
    for number in (2, 1, 5, 1):
        await ada.create(messages=[{"role": "user", "content": "hi"}] * number)
    statements = service.record_statements()
    assert (await batch(ada, filter={"all": True}))["count"] == 4
    assert len([each for each in statements() if each.startswith("DELETE")]) == 3


@pytest.mark.usefixtures("small_pieces")
async def test_a_session_created_meanwhile_stays(ada: Caller, database: asyncpg.Pool) -> None:
    await created(ada, *map(str, range(25)))
    ids = [row["id"] for row in await database.fetch('SELECT "id" FROM "ChatSession" ORDER BY "id"')]
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_SESSION, ids[15])
        deleting = asyncio.ensure_future(batch(ada, filter={"all": True}))
        await until(lambda: a_statement_waits(database))
        await ada.create("new")
    assert (await deleting)["count"] == 25
    assert await ada.titles() == ["new"]


@pytest.mark.usefixtures("small_pieces")
async def test_a_batch_that_fails_halfway_has_evicted_its_deletions_and_can_be_retried(
    ada: Caller, database: asyncpg.Pool, redis: RedisClient
) -> None:
    await cached(redis, ada, await created(ada, *map(str, range(15))))
    ids = [row["id"] for row in await database.fetch('SELECT "id" FROM "ChatSession" ORDER BY "id"')]
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_SESSION, ids[-1])
        deleting = asyncio.ensure_future(ada.http.post(PATH, json={"filter": {"all": True}}))
        await until(lambda: a_statement_waits(database))
        await database.execute("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE%'""")
        assert (await deleting).status_code == 503
    assert {(await ada.get(each)).status_code for each in ids[:10]} == {404}
    assert {(await ada.get(each)).status_code for each in ids[10:]} == {200}
    assert (await batch(ada, filter={"all": True}))["deleted"] == ids[10:]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": ["x"] * 101},
        {"ids": ["x"], "filter": {"all": True}},
        {"filter": {}},
        {"filter": None},
        {"filter": {}, "dry_run": True},
        {"filter": {"updated_before": None}},
        {"filter": {"pinned": None}},
        {"filter": {"archived": None}},
        {"filter": {"q": None}},
        {"filter": {"q": ""}},
        {"filter": {"q": "  "}},
        {"filter": {"metadata": None}},
        {"filter": {"metadata": {}}},
        {"filter": {"metadata": {"a": "\0"}}},
        {"filter": {"pinned": None, "q": "one"}},
        {"filter": {"all": False}},
        {"filter": {"all": None}},
        {"filter": {"all": 1}},
        {"filter": {"all": True, "pinned": False}},
        {"filter": {"all": True, "q": ""}},
        {"filter": {"updated_before": ""}},
        {"filter": {"updated_before": "4102444800"}},
        {"filter": {"updated_before": "20991231"}},
        {"filter": {"updated_before": "2099-12-31"}},
        {"filter": {"updated_before": "20991231T000000Z"}},
        {"filter": {"updated_before": "2099-12-31T00:00Z"}},
        {"filter": {"updated_before": "2099-12-31T00:00:00+0100"}},
        {"filter": {"updated_before": 4102444800}},
        {"filter": {"title": "x"}},
        {"filter": {"updated_before": "yesterday"}},
        {"filter": {"updated_before": "2020-01-01T00:00:00"}},
        {"filter": {"updated_before": "0001-01-01T00:00:00+14:00"}},
        {"filter": {"updated_before": "9999-12-31T23:59:59-14:00"}},
        {"ids": ["x"], "user": "bob"},
    ],
)
async def test_an_invalid_batch_is_422_and_deletes_nothing(ada: Caller, body: dict[str, object]) -> None:
    await created(ada, "one")
    assert (await ada.http.post(PATH, json=body)).status_code == 422
    assert await ada.titles() == ["one"]


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        ("0001-01-01T00:00:00Z", 0),
        ("0001-01-01T14:00:00+14:00", 0),
        ("9999-12-31T23:59:59.999999Z", 1),
        ("9999-12-31T09:59:59.999999-14:00", 1),
    ],
)
async def test_the_first_and_the_last_possible_times_are_accepted(moment: str, count: int, ada: Caller) -> None:
    await created(ada, "one")
    response = await ada.http.post(PATH, json={"filter": {"updated_before": moment}})
    assert (response.status_code, response.json()["count"]) == (200, count)
