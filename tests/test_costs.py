"""What each call costs."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from redis.asyncio import Redis

from chat_sessions.dev.embedded import Redis as RedisServer
from chat_sessions.settings import Settings
from tests.caching import quiet
from tests.costs import commands, counted
from tests.proxy import Proxy
from tests.service import Caller, Service, running
from tests.wire import url_through

PATH = "/api/chat/sessions"
SWEEPS_ONCE = {"sweep_interval": 3600}
BEHIND_THE_BACK = """
INSERT INTO "ChatSession" ("id", "userId", "messageCount", "updatedAt") VALUES (gen_random_uuid(), 'ada', 0, now())
"""


@pytest.fixture(scope="module")
async def still(settings: Settings) -> AsyncIterator[Service]:
    """A worker that leaves the sweeping to the other one, so that each of its statements is a request's."""
    async with running(settings.model_copy(update=SWEEPS_ONCE)) as worker:
        yield worker


@pytest.fixture(scope="module")
async def limited(
    settings: Settings,
    redis_server: RedisServer,
    line: Proxy,
) -> AsyncIterator[Service]:
    """Another one, with a rate limit, whose round trips to Redis are counted."""
    url = url_through(line, redis_server, settings.redis_url)
    changes = {**SWEEPS_ONCE, "redis_url": url, "rate_limit": 60_000}
    async with running(settings.model_copy(update=changes)) as worker:
        yield worker


@pytest.fixture
async def ada(still: Service) -> AsyncIterator[Caller]:
    async with still.client("ada") as client:
        yield Caller(client)


@pytest.fixture
async def bob(still: Service) -> AsyncIterator[Caller]:
    async with still.client("bob") as client:
        yield Caller(client)


@pytest.fixture
async def stranger(still: Service) -> AsyncIterator[Caller]:
    async with still.client(None) as client:
        yield Caller(client)


@pytest.fixture
async def session_id(service: Service, ada: Caller, database: asyncpg.Pool, redis: Redis) -> str:  # noqa: ARG001  sweeps
    """A session that is nowhere in the cache, and that readers may put there."""
    created: str = (await ada.create("Chat", messages=[{"role": "user", "content": "a"}]))["id"]
    await quiet(database, redis)
    return created


async def test_a_delete_is_one_statement_and_one_round_trip(
    ada: Caller, still: Service, redis: Redis, session_id: str
) -> None:
    statements = counted(still)
    async with commands(redis) as sent:
        assert (await ada.delete(session_id)).status_code == 204
        assert [each.split()[0] for each in statements()] == ["DELETE"]
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


async def test_a_delete_of_what_is_not_there_is_one_statement_and_no_round_trip(
    ada: Caller, bob: Caller, still: Service, redis: Redis, session_id: str
) -> None:
    for caller, target in ((ada, "no such session"), (bob, session_id)):
        statements = counted(still)
        async with commands(redis) as sent:
            assert (await caller.delete(target)).status_code == 404
            assert len(statements()) == 1
            assert await sent() == []


async def test_a_conditional_delete_is_one_statement_as_well(ada: Caller, still: Service, session_id: str) -> None:
    etag = (await ada.get(session_id)).headers["ETag"]
    statements = counted(still)
    assert (await ada.delete(session_id, if_match=etag)).status_code == 204
    assert len(statements()) == 1


async def test_a_read_costs_one_statement_at_first_and_then_none_and_one_round_trip(
    ada: Caller, still: Service, redis: Redis, session_id: str
) -> None:
    statements = counted(still)
    assert (await ada.get(session_id)).status_code == 200
    assert len(statements()) == 1
    statements = counted(still)
    async with commands(redis) as sent:
        assert (await ada.get(session_id)).status_code == 200
        assert statements() == []
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


@pytest.mark.usefixtures("session_id")
async def test_a_list_costs_one_statement_at_first_and_then_none_and_one_round_trip(
    ada: Caller, still: Service, redis: Redis
) -> None:
    statements = counted(still)
    assert (await ada.page()).status_code == 200
    assert len(statements()) == 1
    statements = counted(still)
    async with commands(redis) as sent:
        assert (await ada.page()).status_code == 200
        assert statements() == []
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


@pytest.mark.usefixtures("session_id")
async def test_a_read_that_is_not_modified_costs_what_a_cached_one_does(ada: Caller, still: Service) -> None:
    etag = (await ada.page()).headers["ETag"]
    statements = counted(still)
    assert (await ada.http.get("/api/chat/sessions", headers={"If-None-Match": etag})).status_code == 304
    assert statements() == []


@pytest.mark.usefixtures("session_id")
async def test_the_total_is_counted_again_only_when_a_session_came_or_went(
    ada: Caller, service: Service, database: asyncpg.Pool, redis: Redis
) -> None:
    async def total(limit: int) -> int:
        counted: int = (await ada.page(limit=limit)).json()["total"]
        return counted

    assert await total(limit=1) == 1
    async with database.acquire() as connection, connection.transaction():
        # Without triggers nobody hears of it: who counts sees it, who remembers does not.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(BEHIND_THE_BACK)
    assert await total(limit=2) == 1
    async with service.client("ada") as client:
        await Caller(client).create("Another")
    await quiet(database, redis)
    assert await total(limit=1) == 3


async def test_a_server_that_has_forgotten_the_scripts_is_told_them_again(
    ada: Caller, still: Service, redis: Redis, session_id: str
) -> None:
    await ada.get(session_id)
    await redis.script_flush()
    statements = counted(still)
    assert (await ada.get(session_id)).status_code == 200
    assert statements() == []
    assert (await ada.http.get("/readyz")).json()["cache"] == "ok"


async def test_a_rename_is_one_statement_and_one_round_trip(
    ada: Caller, still: Service, redis: Redis, session_id: str
) -> None:
    statements = counted(still)
    async with commands(redis) as sent:
        assert (await ada.change(session_id, title="New")).status_code == 200
        assert len(statements()) == 1
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


@pytest.mark.parametrize("messages", [1, 100])
async def test_an_append_is_one_statement_however_many_messages(
    messages: int, ada: Caller, still: Service, session_id: str
) -> None:
    statements = counted(still)
    assert (await ada.append(session_id, *map(str, range(messages)))).status_code == 201
    assert len(statements()) == 1


@pytest.mark.parametrize("messages", [0, 1, 100])
async def test_a_creation_is_one_statement_however_many_messages(messages: int, ada: Caller, still: Service) -> None:
    statements = counted(still)
    await ada.create(messages=[{"role": "user", "content": f"{n}"} for n in range(messages)])
    assert len(statements()) == 1


async def test_a_rate_limit_takes_no_further_round_trip_from_a_cached_read(
    limited: Service, line: Proxy, redis: Redis, session_id: str
) -> None:
    async with limited.client("ada") as client:
        for path in (PATH, f"{PATH}/{session_id}"):
            await client.get(path)
            statements, round_trips = counted(limited), line.round_trips
            async with commands(redis) as sent:
                assert (await client.get(path)).status_code == 200
                assert statements() == []
                assert [each.split()[0] for each in await sent()] == ["EVALSHA", "EVALSHA"]
            assert line.round_trips - round_trips == 1


async def test_with_a_rate_limit_a_write_asks_first_whether_it_may(
    limited: Service, line: Proxy, session_id: str
) -> None:
    async with limited.client("ada") as client:
        statements, round_trips = counted(limited), line.round_trips
        assert (await client.delete(f"{PATH}/{session_id}")).status_code == 204
        assert len(statements()) == 1
        assert line.round_trips - round_trips == 2


async def test_a_refused_token_costs_neither_a_statement_nor_a_round_trip(
    stranger: Caller, still: Service, redis: Redis, session_id: str
) -> None:
    statements = counted(still)
    async with commands(redis) as sent:
        assert (await stranger.delete(session_id)).status_code == 401
        assert statements() == []
        assert await sent() == []
