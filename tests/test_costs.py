"""The cost of each call in statements and round trips."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from redis.asyncio import Redis

from chat_sessions.cache.keys import UserKeys
from chat_sessions.dev.embedded import Redis as RedisServer
from chat_sessions.settings import Settings
from tests.caching import cached, quiet
from tests.costs import commands, counted
from tests.proxy import Proxy
from tests.service import Caller, Service, running
from tests.waiting import LIMIT_SECONDS
from tests.wire import url_through

PATH = "/api/chat/sessions"
# With long holds, because on a busy machine a fill may come late.
SWEEPS_ONCE = {"sweep_interval": 3600, "cache_hold": LIMIT_SECONDS}
INSERT = """
INSERT INTO "ChatSession" ("id", "userId", "messageCount", "updatedAt") VALUES (gen_random_uuid(), 'ada', 0, now())
"""


@pytest.fixture(scope="module")
async def passive(settings: Settings) -> AsyncIterator[Service]:
    """A worker that leaves sweeping to the other one, so that every statement belongs to a request."""
    async with running(settings.model_copy(update=SWEEPS_ONCE)) as worker:
        yield worker


@pytest.fixture(scope="module")
async def limited(
    settings: Settings,
    redis_server: RedisServer,
    redis_proxy: Proxy,
) -> AsyncIterator[Service]:
    """The same with a rate limit, and its round trips to Redis counted."""
    url = url_through(redis_proxy, redis_server, settings.redis_url)
    changes = {**SWEEPS_ONCE, "redis_url": url, "rate_limit": 60_000}
    async with running(settings.model_copy(update=changes)) as worker:
        # The first script of a worker opens a connection, which takes round trips.
        async with worker.client("ada") as client:
            await client.get(PATH)
        yield worker


@pytest.fixture
async def ada(passive: Service) -> AsyncIterator[Caller]:
    async with passive.client("ada") as client:
        yield Caller(client)


@pytest.fixture
async def bob(passive: Service) -> AsyncIterator[Caller]:
    async with passive.client("bob") as client:
        yield Caller(client)


@pytest.fixture
async def stranger(passive: Service) -> AsyncIterator[Caller]:
    async with passive.client(None) as client:
        yield Caller(client)


@pytest.fixture
async def session_id(service: Service, ada: Caller, database: asyncpg.Pool, redis: Redis) -> str:  # noqa: ARG001  sweeps
    """A session that is not cached but may be."""
    created: str = (await ada.create("Chat", messages=[{"role": "user", "content": "a"}]))["id"]
    await quiet(database, redis)
    return created


async def test_a_delete_is_one_statement_and_one_round_trip(
    ada: Caller, passive: Service, redis: Redis, session_id: str
) -> None:
    statements = counted(passive)
    async with commands(redis) as sent:
        assert (await ada.delete(session_id)).status_code == 204
        assert [each.split()[0] for each in statements()] == ["DELETE"]
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


async def test_deleting_a_missing_session_is_one_statement_and_no_round_trip(
    ada: Caller, bob: Caller, passive: Service, redis: Redis, session_id: str
) -> None:
    for caller, target in ((ada, "no such session"), (bob, session_id)):
        statements = counted(passive)
        async with commands(redis) as sent:
            assert (await caller.delete(target)).status_code == 404
            assert len(statements()) == 1
            assert await sent() == []


async def test_a_conditional_delete_is_one_statement(ada: Caller, passive: Service, session_id: str) -> None:
    etag = (await ada.get(session_id)).headers["ETag"]
    statements = counted(passive)
    assert (await ada.delete(session_id, if_match=etag)).status_code == 204
    assert len(statements()) == 1


async def test_a_read_is_one_statement_then_one_round_trip(
    ada: Caller, passive: Service, redis: Redis, session_id: str
) -> None:
    statements = counted(passive)
    assert (await ada.get(session_id)).status_code == 200
    assert len(statements()) == 1
    statements = counted(passive)
    async with commands(redis) as sent:
        assert (await ada.get(session_id)).status_code == 200
        assert statements() == []
        assert [each.split()[0] for each in await sent()] == ["GET", "HGET"]


@pytest.mark.usefixtures("session_id")
async def test_a_list_is_one_statement_then_one_round_trip(ada: Caller, passive: Service, redis: Redis) -> None:
    statements = counted(passive)
    assert (await ada.page()).status_code == 200
    assert len(statements()) == 1
    statements = counted(passive)
    async with commands(redis) as sent:
        assert (await ada.page()).status_code == 200
        assert statements() == []
        assert [each.split()[0] for each in await sent()] == ["GET", "HGET"]


async def test_the_first_read_by_another_worker_is_one_round_trip(
    ada: Caller, service: Service, redis: Redis, session_id: str
) -> None:
    await cached(redis, ada, [session_id])
    async with service.client("ada") as client, commands(redis) as sent:
        assert (await Caller(client).get(session_id)).status_code == 200
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


async def test_the_first_read_after_a_change_by_the_same_worker_is_one_round_trip(
    ada: Caller, redis: Redis, session_id: str
) -> None:
    await cached(redis, ada, [session_id])
    await ada.change(session_id, title="New")
    async with commands(redis) as sent:
        assert (await ada.get(session_id)).json()["title"] == "New"
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


@pytest.mark.usefixtures("session_id")
async def test_a_304_costs_what_a_cached_read_costs(ada: Caller, passive: Service) -> None:
    etag = (await ada.page()).headers["ETag"]
    statements = counted(passive)
    assert (await ada.http.get("/api/chat/sessions", headers={"If-None-Match": etag})).status_code == 304
    assert statements() == []


@pytest.mark.usefixtures("session_id")
async def test_the_total_is_counted_again_only_after_a_creation_or_deletion(
    ada: Caller, service: Service, database: asyncpg.Pool, redis: Redis
) -> None:
    async def total(limit: int) -> int:
        shown: int = (await ada.page(limit=limit)).json()["total"]
        return shown

    assert await total(limit=1) == 1
    async with database.acquire() as connection, connection.transaction():
        # Without triggers nothing is evicted: a fresh count includes the row, a cached one does not.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(INSERT)
    assert await total(limit=2) == 1
    async with service.client("ada") as client:
        await Caller(client).create("Another")
    await quiet(database, redis)
    assert await total(limit=1) == 3


async def test_scripts_that_redis_lost_are_loaded_again(ada: Caller, redis: Redis, session_id: str) -> None:
    await cached(redis, ada, [session_id])
    await redis.script_flush()
    await ada.change(session_id, title="New")
    assert not await redis.exists(UserKeys("ada").session(session_id))
    assert (await ada.http.get("/readyz")).json()["cache"] == "ok"


async def test_a_rename_is_one_statement_and_one_round_trip(
    ada: Caller, passive: Service, redis: Redis, session_id: str
) -> None:
    statements = counted(passive)
    async with commands(redis) as sent:
        assert (await ada.change(session_id, title="New")).status_code == 200
        assert len(statements()) == 1
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


@pytest.mark.parametrize("messages", [1, 100])
async def test_an_append_is_one_statement_for_any_number_of_messages(
    messages: int, ada: Caller, passive: Service, session_id: str
) -> None:
    statements = counted(passive)
    assert (await ada.append(session_id, *map(str, range(messages)))).status_code == 201
    assert len(statements()) == 1


async def test_an_append_locks_in_one_round_trip_and_unlocks_and_evicts_in_another(
    ada: Caller, redis: Redis, session_id: str
) -> None:
    async with commands(redis) as sent:
        assert (await ada.append(session_id, "hi")).status_code == 201
        assert [each.split()[0] for each in await sent()] == ["EVALSHA", "EVALSHA"]
    assert not await redis.exists(UserKeys("ada").lock(session_id))


async def test_a_replacement_is_one_statement(ada: Caller, passive: Service) -> None:
    session_id = (await ada.create(messages=[{"role": "user", "id": "m1"}]))["id"]
    statements = counted(passive)
    assert (await ada.replace(session_id, "m1", "a")).status_code == 200
    assert len(statements()) == 1


async def test_a_cut_is_three_statements_in_a_transaction_and_one_round_trip(
    ada: Caller, passive: Service, redis: Redis, session_id: str
) -> None:
    statements = counted(passive)
    async with commands(redis) as sent:
        assert (await ada.cut(session_id, 0)).status_code == 204
        assert [each.split()[0] for each in statements()] == ["BEGIN", "SELECT", "UPDATE", "DELETE", "COMMIT"]
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


@pytest.mark.parametrize("messages", [0, 1, 100])
async def test_a_creation_is_one_statement_for_any_number_of_messages(
    messages: int, ada: Caller, passive: Service
) -> None:
    statements = counted(passive)
    await ada.create(messages=[{"role": "user", "content": f"{n}"} for n in range(messages)])
    assert len(statements()) == 1


async def test_a_rate_limit_adds_no_round_trip_to_a_cached_read(
    limited: Service, redis_proxy: Proxy, redis: Redis, session_id: str
) -> None:
    async with limited.client("ada") as client:
        for path in (PATH, f"{PATH}/{session_id}"):
            await client.get(path)
            statements, round_trips = counted(limited), redis_proxy.round_trips
            async with commands(redis) as sent:
                assert (await client.get(path)).status_code == 200
                assert statements() == []
                assert [each.split()[0] for each in await sent()] == ["GET", "HGET", "EVALSHA"]
            assert redis_proxy.round_trips - round_trips == 1


async def test_a_rate_limit_adds_one_round_trip_before_a_write(
    limited: Service, redis_proxy: Proxy, session_id: str
) -> None:
    async with limited.client("ada") as client:
        statements, round_trips = counted(limited), redis_proxy.round_trips
        assert (await client.delete(f"{PATH}/{session_id}")).status_code == 204
        assert len(statements()) == 1
        assert redis_proxy.round_trips - round_trips == 2


async def test_a_rejected_token_costs_neither_a_statement_nor_a_round_trip(
    stranger: Caller, passive: Service, redis: Redis, session_id: str
) -> None:
    statements = counted(passive)
    async with commands(redis) as sent:
        assert (await stranger.delete(session_id)).status_code == 401
        assert statements() == []
        assert await sent() == []
