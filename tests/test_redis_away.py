"""Redis slow, down, or back with no or old data: no request fails and no read is stale."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from redis.asyncio import Redis as RedisClient

from chat_sessions.dev.embedded import Postgres, Redis
from chat_sessions.settings import Settings
from tests.caching import CACHED_LIMIT, cached, quiet
from tests.databases import LOCK_SESSION
from tests.proxy import Proxy
from tests.scrape import scrape
from tests.service import Caller
from tests.steps import deleted, statuses
from tests.waiting import swept, until
from tests.wire import script, url_through
from tests.world import SOON_AWAY, World, restored, world

SESSIONS = 20


async def test_no_worker_serves_a_deleted_session_when_redis_responds_only_to_pings(
    postgres: Postgres, settings: Settings, redis_server: Redis, redis: RedisClient
) -> None:
    async with Proxy(redis_server.port).running() as proxy:
        url = url_through(proxy, redis_server, settings.redis_url)
        async with (
            world(postgres, settings, redis_url=url, **SOON_AWAY) as deployment,
            deployment.callers("ada") as (ada, other),
        ):
            session_id = (await ada.create("Lisbon"))["id"]
            await swept(deployment.database)
            await cached(redis, other, [session_id])
            async with proxy.hold(script("evict")):
                assert (await ada.delete(session_id)).status_code == 204
                assert (await other.get(session_id)).status_code == 404
            await deployment.trusted()


@pytest.fixture(scope="module")
async def deployment(postgres: Postgres, settings: Settings) -> AsyncIterator[World]:
    async with world(postgres, settings, sweep_interval=0.2, **SOON_AWAY) as deployment:
        yield deployment


@pytest.fixture
async def callers(deployment: World) -> AsyncIterator[tuple[Caller, Caller]]:
    await deployment.emptied()
    async with deployment.callers("ada") as both:
        yield both
    await deployment.settled()


async def cached_sessions(deployment: World, callers: tuple[Caller, Caller], messages: int = 0) -> Sequence[str]:
    """Create sessions and read them until they are cached."""
    history = [{"role": "user", "content": str(number)} for number in range(messages)]
    creations = (callers[0].create(f"Chat {number}", messages=history) for number in range(SESSIONS))
    created = await asyncio.gather(*creations)
    ids = [each["id"] for each in created]
    async with deployment.redis_client() as redis:
        await quiet(deployment.database, redis)
        await cached(redis, callers[0], ids)
    return ids


async def test_deletions_during_a_redis_pause_succeed_and_stay_final(
    deployment: World, callers: tuple[Caller, Caller]
) -> None:
    ids = await cached_sessions(deployment, callers)
    deployment.redis.pause()
    responses = await deleted(callers[0], ids)
    deployment.redis.resume()
    assert responses == {204}
    assert await statuses(callers, ids) == {404}
    assert await callers[1].titles() == []


async def test_a_pause_that_only_the_deleting_worker_notices_leaves_nothing_stale(
    deployment: World, callers: tuple[Caller, Caller]
) -> None:
    ids = await cached_sessions(deployment, callers)
    deployment.redis.pause()
    deleting = asyncio.ensure_future(deleted(callers[0], ids))
    await until(lambda: is_degraded(callers[0]))
    deployment.redis.resume()
    assert await deleting == {204}
    assert await statuses(callers, ids) == {404}


async def is_degraded(caller: Caller) -> bool:
    return bool((await caller.http.get("/readyz")).json()["status"] == "degraded")


async def test_deletions_stay_final_when_redis_returns_empty(deployment: World, callers: tuple[Caller, Caller]) -> None:
    ids = await cached_sessions(deployment, callers)
    deployment.redis.kill()
    responses = await deleted(callers[0], ids)
    deployment.redis.restart(keep_data=False)
    assert responses == {204}
    assert await statuses(callers, ids) == {404}


async def test_deletions_stay_final_when_redis_returns_with_its_old_data(
    deployment: World, callers: tuple[Caller, Caller]
) -> None:
    ids = await cached_sessions(deployment, callers)
    deployment.redis.kill()
    responses = await deleted(callers[0], ids)
    deployment.redis.start()
    assert responses == {204}
    assert await statuses(callers, ids) == {404}


async def test_deletions_stay_final_when_redis_returns_with_data_from_before_them(
    deployment: World, callers: tuple[Caller, Caller]
) -> None:
    ids = await cached_sessions(deployment, callers)
    async with restored(deployment.redis):
        responses = await deleted(callers[0], ids)
        await swept(deployment.database)
    assert responses == {204}
    assert await statuses(callers, ids) == {404}


async def test_every_call_works_without_redis(deployment: World, callers: tuple[Caller, Caller]) -> None:
    ada, also_ada = callers
    deployment.redis.kill()
    session_id = (await ada.create("Lisbon"))["id"]
    responses = {
        "append": (await ada.append(session_id, "hi", id="m1")).status_code,
        "replace": (await also_ada.replace(session_id, "m1", "hello")).status_code,
        "cut": (await also_ada.cut(session_id, 0)).status_code,
        "rename": (await also_ada.change(session_id, title="Porto")).status_code,
        "get": (await also_ada.get(session_id)).json()["title"],
        "list": await ada.titles(),
        "batch": (await ada.http.post("/api/chat/sessions/batch-delete", json={"ids": ["none"]})).status_code,
        "delete": (await also_ada.delete(session_id)).status_code,
        "get after": (await ada.get(session_id)).status_code,
    }
    deployment.redis.start()
    assert responses == {
        "append": 201,
        "replace": 200,
        "cut": 204,
        "rename": 200,
        "get": "Porto",
        "list": ["Porto"],
        "batch": 200,
        "delete": 204,
        "get after": 404,
    }


@pytest.mark.parametrize("keep_data", [True, False], ids=["old data", "no data"])
async def test_messages_cut_without_redis_stay_gone_when_it_returns(
    keep_data: bool, deployment: World, callers: tuple[Caller, Caller]
) -> None:
    ids = await cached_sessions(deployment, callers, messages=3)
    deployment.redis.kill()
    responses = await asyncio.gather(*(callers[0].cut(each, 1) for each in ids))
    deployment.redis.restart(keep_data=keep_data)
    assert {response.status_code for response in responses} == {204}
    for caller in callers:
        assert [await caller.contents(each, CACHED_LIMIT) for each in ids] == [[(0, "0")]] * SESSIONS


async def test_appends_without_redis_have_dense_sequences(deployment: World, callers: tuple[Caller, Caller]) -> None:
    session_id = (await callers[0].create("Lisbon"))["id"]
    deployment.redis.kill()
    responses = await asyncio.gather(*(callers[number % 2].append(session_id, str(number)) for number in range(32)))
    deployment.redis.start()
    assert {response.status_code for response in responses} == {201}
    messages = (await callers[0].get(session_id)).json()["messages"]
    assert [each["sequence"] for each in messages] == list(range(32))


async def test_an_outage_of_redis_is_visible(deployment: World, callers: tuple[Caller, Caller]) -> None:
    deployment.redis.kill()
    await callers[0].append((await callers[0].create())["id"], "unlocked")
    ready = await callers[0].http.get("/readyz")
    metrics = await scrape(callers[0])
    deployment.redis.start()
    assert (ready.status_code, ready.json()["cache"]) == (200, "degraded")
    assert metrics.sum("chat_degraded") == 1
    assert metrics.sum("chat_unlocked_appends_total") >= 1


async def test_a_writer_whose_lock_is_lost_with_redis_finishes(
    deployment: World, callers: tuple[Caller, Caller]
) -> None:
    session_id = (await callers[0].create("Lisbon"))["id"]
    async with deployment.database.acquire() as connection, connection.transaction():
        # The writer holds the lock and waits here.
        await connection.execute(LOCK_SESSION, session_id)
        append = asyncio.ensure_future(callers[0].append(session_id, "hi"))
        await until(lambda: holds_the_lock(deployment, session_id))
        deployment.redis.kill()
    assert (await append).status_code == 201
    deployment.redis.start()
    assert (await callers[1].append(session_id, "again")).status_code == 201


async def holds_the_lock(deployment: World, session_id: str) -> bool:
    async with deployment.redis_client() as redis:
        return bool(await redis.exists(f"chat:{{ada}}:lock:{session_id}"))
