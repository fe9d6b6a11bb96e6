"""The session lock: one writer at a time, and every wait is bounded."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.keys import UserKeys
from chat_sessions.settings import Settings
from tests.databases import LOCK_SESSION
from tests.scrape import scrape
from tests.service import Caller, Service, running
from tests.waiting import until

ADA = UserKeys("ada")


@pytest.fixture(scope="module")
async def crowded(settings: Settings, service: Service) -> AsyncIterator[Service]:  # noqa: ARG001  migrated
    """A worker with the smallest allowed Redis pool."""
    changes = {"redis_pool_size": 8, "sweep_interval": 3600, "lock_wait": 60}
    async with running(settings.model_copy(update=changes)) as worker:
        yield worker


@pytest.fixture
async def other_ada(crowded: Service) -> AsyncIterator[Caller]:
    """The same user on the other worker."""
    async with crowded.client("ada") as client:
        yield Caller(client)


async def test_hundreds_of_concurrent_appends_all_get_the_lock(other_ada: Caller) -> None:
    ids = [(await other_ada.create())["id"] for _ in range(20)]
    responses = await asyncio.gather(*(other_ada.append(ids[number % 20], str(number)) for number in range(300)))
    assert {each.status_code for each in responses} == {201}
    metrics = await scrape(other_ada)
    assert metrics.sum("chat_unlocked_appends_total") == 0
    assert metrics.sum("chat_redis_failures_total") == 0
    assert await other_ada.is_fully_ready()


async def test_an_append_waits_for_the_holder_of_the_lock(ada: Caller, redis: RedisClient) -> None:
    session_id = (await ada.create())["id"]
    await redis.set(ADA.lock(session_id), "another writer", px=60_000)
    append = asyncio.ensure_future(ada.append(session_id, "hi"))
    done, _ = await asyncio.wait([append], timeout=0.2)
    assert done == set()
    await redis.delete(ADA.lock(session_id))
    assert (await append).status_code == 201


async def test_a_writer_that_waits_too_long_gets_retry_after(
    settings: Settings, service: Service, redis: RedisClient
) -> None:
    del service
    async with (
        running(settings.model_copy(update={"lock_wait": 0.1})) as worker,
        worker.client("ada") as client,
    ):
        session_id = (await Caller(client).create())["id"]
        await redis.set(ADA.lock(session_id), "another writer", px=60_000)
        responses = [await Caller(client).append(session_id, "hi"), await Caller(client).replace(session_id, "m", "hi")]
    for refused in responses:
        assert refused.status_code == 409
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["type"] == "urn:chat-sessions:session-busy"


async def test_the_lock_of_a_dead_writer_expires(ada: Caller, redis: RedisClient) -> None:
    session_id = (await ada.create())["id"]
    await redis.set(ADA.lock(session_id), "a dead writer", px=300)
    assert (await ada.append(session_id, "hi")).status_code == 201


async def test_the_lock_is_released(ada: Caller, redis: RedisClient) -> None:
    session_id = (await ada.create())["id"]
    await ada.append(session_id, "hi")
    assert await redis.exists(ADA.lock(session_id)) == 0


async def test_a_failed_append_releases_the_lock(ada: Caller, redis: RedisClient) -> None:
    assert (await ada.append("no such session", "hi")).status_code == 404
    assert await redis.exists(ADA.lock("no such session")) == 0


async def test_a_delete_does_not_wait_for_the_lock_and_removes_it(ada: Caller, redis: RedisClient) -> None:
    session_id = (await ada.create())["id"]
    await redis.set(ADA.lock(session_id), "another writer", px=60_000)
    assert (await ada.delete(session_id)).status_code == 204
    assert await redis.exists(ADA.lock(session_id)) == 0


async def test_another_user_does_not_affect_the_lock(ada: Caller, bob: Caller, redis: RedisClient) -> None:
    session_id = (await ada.create())["id"]
    await redis.set(ADA.lock(session_id), "another writer", px=60_000)
    assert (await bob.append(session_id, "hi")).status_code == 404
    assert (await bob.delete(session_id)).status_code == 404
    assert await redis.get(ADA.lock(session_id)) == b"another writer"


@pytest.mark.parametrize("thief", [None, "another writer"])
async def test_a_writer_that_lost_its_lock_corrupts_nothing(
    ada: Caller, other_ada: Caller, redis: RedisClient, database: asyncpg.Pool, thief: str | None
) -> None:
    session_id = (await ada.create())["id"]
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_SESSION, session_id)
        first = asyncio.ensure_future(ada.append(session_id, "first"))
        await until(lambda: is_locked(redis, session_id))
        await redis.delete(ADA.lock(session_id))
        second = asyncio.ensure_future(other_ada.append(session_id, "second"))
        await until(lambda: is_locked(redis, session_id))
        if thief:
            await redis.set(ADA.lock(session_id), thief, px=60_000)
    assert [(await first).status_code, (await second).status_code] == [201, 201]
    messages = (await ada.get(session_id)).json()["messages"]
    assert [each["sequence"] for each in messages] == [0, 1]
    if thief:
        assert await redis.get(ADA.lock(session_id)) == thief.encode()


async def is_locked(redis: RedisClient, session_id: str) -> bool:
    return bool(await redis.exists(ADA.lock(session_id)))
