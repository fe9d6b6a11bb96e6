"""Races: late readers and writers never undo a change or a deletion."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import asyncpg
import httpx
import hypothesis
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.keys import UserKeys
from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from tests import citus
from tests.caching import cached
from tests.databases import migrated_database
from tests.proxy import Proxy
from tests.service import Caller, running
from tests.waiting import PATIENT_SECONDS, a_statement_waits, deletion_under_way, swept, until
from tests.wire import script

ROUNDS = 20 * hypothesis.settings().max_examples
# Longer than a test's steps between two commands to Redis.
SHORT_HOLD_SECONDS = 0.3
ADA = UserKeys("ada")


@pytest.fixture
async def session_id(ada: Caller, redis: RedisClient, database: asyncpg.Pool) -> str:
    """A session that may be cached."""
    created: str = (await ada.create("Lisbon", messages=[{"role": "user", "content": "hi"}]))["id"]
    await swept(database)
    await redis.delete(ADA.hold(created), ADA.list_hold)
    return created


@asynccontextmanager
async def held_before_its_fill(
    redis_proxy: Proxy, read: Callable[[], Awaitable[httpx.Response]]
) -> AsyncIterator[None]:
    """Run the block while a read has loaded from Postgres and not yet filled the cache.

    A sweeper that has already taken a note may still be evicting, and its hold keeps the first reads from filling.
    """
    async with redis_proxy.hold(script("fill")) as gate:
        reading = await gate.reached_by_one_of(read)
        yield
        gate.released.set()
        assert (await reading).status_code == 200


async def test_a_delayed_read_fills_the_cache_if_nothing_changes_meanwhile(
    slow_ada: Caller, redis_proxy: Proxy, session_id: str, redis: RedisClient
) -> None:
    async def fills() -> bool:
        async with held_before_its_fill(redis_proxy, partial(slow_ada.get, session_id)):
            pass
        return bool(await redis.exists(ADA.session(session_id)))

    # On a busy machine a read may take longer than a hold.
    await until(fills)


async def test_a_read_that_began_before_a_delete_does_not_bring_the_session_back(
    ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str, redis: RedisClient
) -> None:
    async with held_before_its_fill(redis_proxy, partial(slow_ada.get, session_id)):
        assert (await ada.delete(session_id)).status_code == 204
    assert await redis.exists(ADA.session(session_id)) == 0
    assert (await ada.get(session_id)).status_code == 404


async def test_a_read_that_began_before_an_append_does_not_hide_the_message(
    ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str
) -> None:
    async with held_before_its_fill(redis_proxy, partial(slow_ada.get, session_id)):
        await ada.append(session_id, "there")
    contents = [each["content"] for each in (await slow_ada.get(session_id)).json()["messages"]]
    assert contents == ["hi", "there"]


async def test_a_read_that_began_before_a_rename_does_not_restore_the_old_title(
    ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str
) -> None:
    async with held_before_its_fill(redis_proxy, partial(slow_ada.get, session_id)):
        await ada.change(session_id, title="Porto")
    assert (await slow_ada.get(session_id)).json()["title"] == "Porto"


async def test_a_list_loaded_before_a_delete_does_not_show_the_session_again(
    ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str
) -> None:
    async with held_before_its_fill(redis_proxy, slow_ada.page):
        await ada.delete(session_id)
    assert await slow_ada.titles() == []


async def test_a_list_loaded_before_a_creation_does_not_hide_the_session(
    ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str
) -> None:
    async with held_before_its_fill(redis_proxy, slow_ada.page):
        await ada.create("Porto")
    assert await slow_ada.titles() == ["Porto", "Lisbon"]
    assert (await ada.get(session_id)).status_code == 200


async def test_a_read_slower_than_a_hold_does_not_fill(
    settings_behind_proxy: Settings,
    redis_proxy: Proxy,
    ada: Caller,
    session_id: str,
    redis: RedisClient,
    database: asyncpg.Pool,
) -> None:
    async with (
        running(settings_behind_proxy.model_copy(update={"cache_hold": SHORT_HOLD_SECONDS})) as worker,
        worker.client("ada") as client,
        held_before_its_fill(redis_proxy, partial(Caller(client).get, session_id)),
    ):
        await ada.delete(session_id)
        await swept(database)
        # The deletion's holds expire before the late fill arrives: only the ticket's age can reject it.
        await redis.delete(ADA.hold(session_id))
        issued = await redis.time()
        await until(lambda: _later_than(redis, issued, SHORT_HOLD_SECONDS))
    assert await redis.exists(ADA.session(session_id)) == 0


async def test_a_lost_eviction_is_repeated_before_the_response(
    ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str, redis: RedisClient
) -> None:
    await cached(redis, ada, [session_id])
    async with redis_proxy.hold(script("evict")) as gate:
        deletion = asyncio.ensure_future(slow_ada.delete(session_id))
        await gate.reached_by(deletion)
        gate.cut()
        assert (await deletion).status_code == 204
    assert (await ada.get(session_id)).status_code == 404


async def _later_than(redis: RedisClient, since: tuple[int, int], seconds: float) -> bool:
    now = await redis.time()
    return (now[0] - since[0]) + (now[1] - since[1]) / 1_000_000 > seconds


async def test_a_create_that_waits_for_the_deletion_of_its_id_is_rejected(
    ada: Caller, database: asyncpg.Pool, session_id: str
) -> None:
    async with deletion_under_way(database, session_id):
        late = asyncio.ensure_future(ada.http.post("/api/chat/sessions", json={"id": session_id}))
        await until(lambda: a_statement_waits(database))
    assert (await late).status_code == 409
    assert await database.fetchval('SELECT count(*) FROM "ChatSession"') == 0


@pytest.mark.skipif(citus.URL is not None, reason="a node of a cluster with such a default is refused: test_citus.py")
async def test_a_late_create_is_rejected_even_under_repeatable_read(postgres: Postgres, settings: Settings) -> None:
    url = await migrated_database(postgres)
    async with asyncpg.create_pool(url, min_size=2, max_size=3) as database:
        name = urlsplit(url).path[1:]
        await database.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
        async with (
            running(settings.model_copy(update={"database_url": SecretStr(url)})) as worker,
            worker.client("ada") as client,
        ):
            ada = Caller(client)
            session_id = (await ada.create("Lisbon"))["id"]
            async with deletion_under_way(database, session_id):
                late = asyncio.ensure_future(client.post("/api/chat/sessions", json={"id": session_id}))
                await until(lambda: a_statement_waits(database))
            assert (await late).status_code == 409
            assert (await ada.get(session_id)).status_code == 404


async def test_an_append_that_waits_for_a_deletion_is_404(ada: Caller, database: asyncpg.Pool, session_id: str) -> None:
    async with deletion_under_way(database, session_id):
        late = asyncio.ensure_future(ada.append(session_id, "too late"))
        await until(lambda: a_statement_waits(database))
    assert (await late).status_code == 404
    assert await database.fetchval('SELECT count(*) FROM "ChatMessage"') == 0


async def test_a_rename_that_waits_for_a_deletion_is_404(ada: Caller, database: asyncpg.Pool, session_id: str) -> None:
    async with deletion_under_way(database, session_id):
        late = asyncio.ensure_future(ada.change(session_id, title="Porto"))
        await until(lambda: a_statement_waits(database))
    assert (await late).status_code == 404


async def test_a_second_delete_that_waits_for_the_first_is_404(
    ada: Caller, database: asyncpg.Pool, session_id: str
) -> None:
    async with deletion_under_way(database, session_id):
        late = asyncio.ensure_future(ada.delete(session_id))
        await until(lambda: a_statement_waits(database))
    assert (await late).status_code == 404


async def test_a_writer_that_waits_for_the_lock_of_a_deleted_session_is_404(
    ada: Caller, redis: RedisClient, database: asyncpg.Pool, session_id: str
) -> None:
    await redis.set(ADA.lock(session_id), "another writer", px=PATIENT_SECONDS * 1000)
    late = asyncio.ensure_future(ada.append(session_id, "too late"))
    await until(lambda: tries_for_the_lock(redis))

    assert (await ada.delete(session_id)).status_code == 204

    assert (await late).status_code == 404
    assert await redis.exists(ADA.lock(session_id), ADA.session(session_id)) == 0
    assert await database.fetchval('SELECT count(*) FROM "ChatMessage"') == 0


async def tries_for_the_lock(redis: RedisClient) -> bool:
    statistics = await redis.info("commandstats")
    return bool(statistics.get("cmdstat_set", {}).get("calls", 0) > 1)


async def test_two_writers_and_a_deleter_leave_nothing_behind(
    ada: Caller, database: asyncpg.Pool, redis: RedisClient
) -> None:
    async def round_of_three(number: int) -> list[int]:
        session_id = (await ada.create(f"Round {number}"))["id"]
        responses = await asyncio.gather(
            ada.append(session_id, "one"), ada.delete(session_id), ada.append(session_id, "two")
        )
        assert responses[1].status_code == 204
        assert (await ada.get(session_id)).status_code == 404
        return [responses[0].status_code, responses[2].status_code]

    for start in range(0, ROUNDS, 20):
        rounds = await asyncio.gather(*(round_of_three(start + number) for number in range(20)))
        assert {status for statuses in rounds for status in statuses} <= {201, 404}
    assert await database.fetchval('SELECT count(*) FROM "ChatSession"') == 0
    assert await database.fetchval('SELECT count(*) FROM "ChatMessage"') == 0
    assert [key async for key in redis.scan_iter(ADA.session("*"))] == []
    assert [key async for key in redis.scan_iter(ADA.lock("*"))] == []


class TestEmptiedRedis:
    """Redis loses its holds with all other data, and a read from before a deletion arrives afterwards."""

    @pytest.mark.parametrize("arrives", ["first", "after another reader"])
    async def test_a_read_from_before_a_delete_does_not_bring_the_session_back(
        self, arrives: str, ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str, redis: RedisClient
    ) -> None:
        async with held_before_its_fill(redis_proxy, partial(slow_ada.get, session_id)):
            assert (await ada.delete(session_id)).status_code == 204
            await redis.flushall()
            if arrives != "first":
                await ada.get(session_id)
        assert await redis.exists(ADA.session(session_id)) == 0
        assert [(await each.get(session_id)).status_code for each in (ada, slow_ada)] == [404, 404]

    @pytest.mark.parametrize("arrives", ["first", "after another reader"])
    async def test_a_list_from_before_a_delete_does_not_show_the_session_again(
        self, arrives: str, ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str, redis: RedisClient
    ) -> None:
        async with held_before_its_fill(redis_proxy, slow_ada.page):
            assert (await ada.delete(session_id)).status_code == 204
            await redis.flushall()
            if arrives != "first":
                await ada.page(limit=1)
        assert [await each.titles() for each in (ada, slow_ada)] == [[], []]


async def test_a_read_from_before_a_large_batch_does_not_bring_a_session_back(
    ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str, redis: RedisClient, database: asyncpg.Pool
) -> None:
    await database.execute("""INSERT INTO "ChatSession" ("id", "userId")
        SELECT 'bulk-' || n, 'ada' FROM generate_series(1, 500) AS n""")
    await swept(database)
    async with held_before_its_fill(redis_proxy, partial(slow_ada.get, session_id)):
        response = await ada.http.post("/api/chat/sessions/batch-delete", json={"filter": {"all": True}})
        assert response.json()["count"] == 501
    assert await redis.exists(ADA.session(session_id)) == 0
    assert [(await each.get(session_id)).status_code for each in (ada, slow_ada)] == [404, 404]
