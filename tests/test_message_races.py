"""Races of cuts and replacements: old messages never come back, and sequences stay dense."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.keys import UserKeys
from tests.caching import CACHED_LIMIT, cached, quiet
from tests.databases import LOCK_SESSION
from tests.proxy import Proxy
from tests.service import Caller
from tests.waiting import PATIENT_SECONDS, deletion_under_way, until, waiting_statements
from tests.wire import script

ADA = UserKeys("ada")
REUSE_ID = """
INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "sequence")
SELECT "userId", "id", 'b', 'user', '{"id":"b","role":"user","content":"new"}', 1 FROM "ChatSession"
"""


@pytest.fixture
async def session_id(ada: Caller, redis: RedisClient, database: asyncpg.Pool) -> str:
    """A session of three messages, which may be cached."""
    messages = [{"role": "user", "content": letter, "id": letter} for letter in "abc"]
    created: str = (await ada.create("Lisbon", messages=messages))["id"]
    await quiet(database, redis)
    return created


@dataclass
class Queue:
    """Lets calls queue up for the row of a session, one after the other."""

    database: asyncpg.Pool
    redis: RedisClient
    session_id: str

    async def run(self, *calls: Awaitable[httpx.Response]) -> list[httpx.Response]:
        """Return their responses once the row is free."""
        started: list[asyncio.Future[httpx.Response]] = []
        async with self.database.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_SESSION, self.session_id)
            for call in calls:
                started.append(asyncio.ensure_future(call))
                await until(lambda: _waits(self.database, len(started)))
                # Locks expire: only the row may be what orders the calls.
                await self.redis.delete(ADA.lock(self.session_id))
        return await asyncio.gather(*started)


@pytest.fixture
def queue(database: asyncpg.Pool, redis: RedisClient, session_id: str) -> Queue:
    return Queue(database, redis, session_id)


async def _waits(database: asyncpg.Pool, number: int) -> bool:
    return await waiting_statements(database) == number


async def stored(database: asyncpg.Pool) -> list[tuple[int, Any]]:
    rows = await database.fetch("""SELECT "sequence", "body"->>'content' AS "content" FROM "ChatMessage" ORDER BY 1""")
    assert await database.fetchval('SELECT "messageCount" FROM "ChatSession"') == len(rows)
    return [tuple(row) for row in rows]


class TestReaders:
    @pytest.mark.parametrize("params", [{}, {"before_sequence": 3}, {"limit": 1}])
    async def test_a_read_that_began_before_a_cut_does_not_bring_the_messages_back(
        self,
        params: dict[str, int],
        ada: Caller,
        slow_ada: Caller,
        redis_proxy: Proxy,
        session_id: str,
        redis: RedisClient,
    ) -> None:
        async with redis_proxy.hold(script("fill")) as gate:
            reading = await gate.reached_by_one_of(partial(slow_ada.get, session_id, **params))
            assert (await ada.cut(session_id, 1)).status_code == 204
            gate.released.set()
            assert len((await reading).json()["messages"]) == params.get("limit", 3)
        assert await redis.exists(ADA.session(session_id)) == 0
        for caller in (ada, slow_ada):
            assert [each["content"] for each in (await caller.get(session_id, **params)).json()["messages"]] == ["a"]

    async def test_no_worker_serves_cut_messages_from_the_cache(
        self, ada: Caller, slow_ada: Caller, session_id: str, redis: RedisClient
    ) -> None:
        await cached(redis, ada, [session_id])
        await slow_ada.get(session_id, limit=2)
        assert (await ada.cut(session_id, 1)).status_code == 204
        assert await slow_ada.contents(session_id, CACHED_LIMIT) == [(0, "a")]
        assert (await slow_ada.get(session_id, limit=2)).json()["oldest_sequence"] == 0

    async def test_a_lost_eviction_is_repeated_before_the_response(
        self, ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str, redis: RedisClient
    ) -> None:
        await cached(redis, ada, [session_id])
        async with redis_proxy.hold(script("evict")) as gate:
            cutting = asyncio.ensure_future(slow_ada.cut(session_id, 1))
            await gate.reached_by(cutting)
            gate.cut()
            assert (await cutting).status_code == 204
        assert await ada.contents(session_id, CACHED_LIMIT) == [(0, "a")]

    async def test_a_repeated_cut_evicts_what_the_first_one_did_not(
        self, ada: Caller, session_id: str, redis: RedisClient, database: asyncpg.Pool
    ) -> None:
        await ada.cut(session_id, 1)
        await quiet(database, redis)
        # As if the worker of the first attempt had died before it evicted.
        await redis.set(ADA.session(session_id), "stale", ex=300)
        assert (await ada.cut(session_id, 1)).status_code == 204
        assert await redis.exists(ADA.session(session_id)) == 0


class TestWriters:
    async def test_a_cut_takes_messages_that_were_appended_while_it_waited(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        calls = slow_ada.append(session_id, "d"), ada.cut(session_id, 1)
        append, cut = await queue.run(*calls)
        assert (append.status_code, cut.status_code) == (201, 204)
        assert await stored(database) == [(0, "a")]
        assert (await ada.append(session_id, "e")).json()["messages"][0]["sequence"] == 1

    async def test_an_append_that_waited_for_a_cut_continues_at_the_cut(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        calls = ada.cut(session_id, 1), slow_ada.append(session_id, "d")
        _, append = await queue.run(*calls)
        assert append.json()["messages"][0]["sequence"] == 1
        assert await stored(database) == [(0, "a"), (1, "d")]

    async def test_a_repeat_that_waited_for_a_cut_loses_none_of_its_messages(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        messages = [{"role": "user", "content": letter, "id": letter} for letter in "cd"]
        repeat = slow_ada.http.post(f"/api/chat/sessions/{session_id}/messages", json={"messages": messages})
        _, append = await queue.run(ada.cut(session_id, 1), repeat)
        returned = [(each["sequence"], each["content"]) for each in append.json()["messages"]]
        assert returned == [(1, "c"), (2, "d")]
        assert await stored(database) == [(0, "a"), *returned]

    @pytest.mark.parametrize("moves", ["cut", "append"])
    async def test_an_append_after_a_sequence_is_412_if_the_end_moved_while_it_waited(
        self, moves: str, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        first = ada.cut(session_id, 1) if moves == "cut" else ada.append(session_id, "d")
        late = slow_ada.append(session_id, "late", after_sequence=2)
        _, append = await queue.run(first, late)
        assert append.status_code == 412
        assert "late" not in [content for _, content in await stored(database)]

    async def test_one_of_many_appends_after_the_same_sequence_is_stored(
        self, ada: Caller, slow_ada: Caller, session_id: str, database: asyncpg.Pool
    ) -> None:
        calls = [caller.append(session_id, str(n), after_sequence=2) for n in range(8) for caller in (ada, slow_ada)]
        responses = await asyncio.gather(*calls)
        assert sorted(each.status_code for each in responses) == [201] + 15 * [412]
        assert [sequence for sequence, _ in await stored(database)] == [0, 1, 2, 3]

    async def test_a_cut_that_waited_for_a_deletion_is_404(
        self, ada: Caller, database: asyncpg.Pool, session_id: str
    ) -> None:
        async with deletion_under_way(database, session_id):
            late = asyncio.ensure_future(ada.cut(session_id, 1))
            await until(lambda: _waits(database, 1))
        assert (await late).status_code == 404

    async def test_a_deletion_that_waited_for_a_cut_leaves_nothing(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        calls = ada.cut(session_id, 1), slow_ada.delete(session_id)
        cut, deletion = await queue.run(*calls)
        assert (cut.status_code, deletion.status_code) == (204, 204)
        assert await database.fetchval('SELECT count(*) FROM "ChatMessage"') == 0
        assert [(await each.get(session_id)).status_code for each in (ada, slow_ada)] == [404, 404]

    async def test_a_cut_with_an_etag_is_412_if_an_append_came_first(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        etag = (await ada.get(session_id)).headers["ETag"]
        calls = slow_ada.append(session_id, "d"), ada.cut(session_id, 1, if_match=etag)
        _, cut = await queue.run(*calls)
        assert cut.status_code == 412
        assert len(await stored(database)) == 4

    async def test_a_cut_does_not_wait_for_the_session_lock(
        self, ada: Caller, redis: RedisClient, session_id: str
    ) -> None:
        await redis.set(ADA.lock(session_id), "a writer that died", px=PATIENT_SECONDS * 1000)
        assert (await ada.cut(session_id, 1)).status_code == 204
        assert await redis.get(ADA.lock(session_id)) == b"a writer that died"

    async def test_appends_and_cuts_on_two_workers_leave_dense_sequences(
        self, ada: Caller, slow_ada: Caller, session_id: str, database: asyncpg.Pool
    ) -> None:
        appends = [(ada, slow_ada)[n % 2].append(session_id, str(n)) for n in range(40)]
        cuts = [(ada, slow_ada)[n % 2].cut(session_id, n) for n in range(10)]
        responses = await asyncio.gather(*appends, *cuts)
        assert {each.status_code for each in responses} == {201, 204}
        assert [sequence for sequence, _ in await stored(database)] == list(range(len(await stored(database))))
        assert await ada.contents(session_id) == await stored(database)


class TestReplacements:
    async def test_a_read_that_began_before_a_replacement_does_not_restore_the_old_message(
        self, ada: Caller, slow_ada: Caller, redis_proxy: Proxy, session_id: str, redis: RedisClient
    ) -> None:
        async with redis_proxy.hold(script("fill")) as gate:
            reading = await gate.reached_by_one_of(partial(slow_ada.get, session_id))
            assert (await ada.replace(session_id, "b", "B")).status_code == 200
            gate.released.set()
            await reading
        assert await redis.exists(ADA.session(session_id)) == 0
        for caller in (ada, slow_ada):
            assert await caller.contents(session_id, CACHED_LIMIT) == [(0, "a"), (1, "B"), (2, "c")]

    async def test_one_that_waited_for_a_cut_of_its_message_is_404_and_changes_nothing(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        version = 'SELECT "version" FROM "ChatSession"'
        before = await database.fetchval(version)
        cut, replaced = await queue.run(ada.cut(session_id, 1), slow_ada.replace(session_id, "b", "B"))
        assert (cut.status_code, replaced.status_code) == (204, 404)
        assert await stored(database) == [(0, "a")]
        assert await database.fetchval(version) == before + 1

    async def test_one_that_waited_while_its_id_was_cut_off_and_reused_is_404(
        self, ada: Caller, session_id: str, database: asyncpg.Pool
    ) -> None:
        async with database.acquire() as connection, connection.transaction():
            await connection.execute('UPDATE "ChatSession" SET "messageCount" = 2 WHERE "id" = $1', session_id)
            late = asyncio.ensure_future(ada.replace(session_id, "b", "B"))
            await until(lambda: _waits(database, 1))
            await connection.execute('DELETE FROM "ChatMessage" WHERE "sequence" > 0')
            await connection.execute(REUSE_ID)
        assert (await late).status_code == 404
        assert await stored(database) == [(0, "a"), (1, "new")]

    async def test_a_cut_that_waited_takes_the_replaced_message(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        replaced, cut = await queue.run(slow_ada.replace(session_id, "b", "B"), ada.cut(session_id, 1))
        assert (replaced.status_code, cut.status_code) == (200, 204)
        assert await stored(database) == [(0, "a")]

    async def test_one_that_waited_for_a_cut_after_its_message_is_stored(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        _, replaced = await queue.run(ada.cut(session_id, 2), slow_ada.replace(session_id, "b", "B"))
        assert replaced.status_code == 200
        assert await stored(database) == [(0, "a"), (1, "B")]

    async def test_the_later_of_two_wins(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        calls = ada.replace(session_id, "b", "first"), slow_ada.replace(session_id, "b", "second")
        responses = await queue.run(*calls)
        assert [(each.status_code, each.json()["content"]) for each in responses] == [(200, "first"), (200, "second")]
        assert await stored(database) == [(0, "a"), (1, "second"), (2, "c")]

    async def test_one_with_an_etag_is_412_if_an_append_came_first(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        etag = (await ada.get(session_id)).headers["ETag"]
        calls = slow_ada.append(session_id, "d"), ada.replace(session_id, "b", "B", if_match=etag)
        append, replaced = await queue.run(*calls)
        assert (append.status_code, replaced.status_code) == (201, 412)
        assert await stored(database) == [(0, "a"), (1, "b"), (2, "c"), (3, "d")]

    async def test_one_that_waited_for_a_deletion_is_404(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool
    ) -> None:
        deletion, replaced = await queue.run(ada.delete(session_id), slow_ada.replace(session_id, "b", "B"))
        assert (deletion.status_code, replaced.status_code) == (204, 404)
        assert await database.fetchval('SELECT count(*) FROM "ChatMessage"') == 0

    async def test_a_deletion_that_waited_for_one_leaves_nothing(
        self, ada: Caller, slow_ada: Caller, session_id: str, queue: Queue, database: asyncpg.Pool, redis: RedisClient
    ) -> None:
        replaced, deletion = await queue.run(slow_ada.replace(session_id, "b", "B"), ada.delete(session_id))
        assert (replaced.status_code, deletion.status_code) == (200, 204)
        assert await database.fetchval('SELECT count(*) FROM "ChatMessage"') == 0
        assert await redis.exists(ADA.session(session_id), ADA.lock(session_id)) == 0
        assert [(await each.get(session_id)).status_code for each in (ada, slow_ada)] == [404, 404]
