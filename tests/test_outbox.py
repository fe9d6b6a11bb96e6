"""The outbox: the sweeper evicts what a request could not, and what direct SQL changed."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.keys import UserKeys
from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from chat_sessions.store.outbox import TAKE_TURN
from tests import citus
from tests.caching import cached
from tests.databases import migrated_database
from tests.scrape import scrape
from tests.service import Caller, running
from tests.waiting import notes, swept, until, until_none
from tests.world import World, world

ADA = UserKeys("ada")


@pytest.mark.parametrize(
    ("statement", "titles", "status"),
    [
        ('DELETE FROM "ChatSession"', [], 404),
        ('TRUNCATE "ChatSession" CASCADE', [], 404),
        ("""UPDATE "ChatSession" SET "title" = 'Porto'""", ["Porto"], 200),
        ('UPDATE "ChatSession" SET "isArchived" = true', [], 200),
    ],
)
async def test_the_cache_reflects_direct_sql(
    ada: Caller, database: asyncpg.Pool, redis: RedisClient, statement: str, titles: list[str], status: int
) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    await cached(redis, ada, [session_id])

    await database.execute(statement)

    async def is_current() -> bool:
        page = (await ada.page()).json()
        shown = [each["title"] for each in page["sessions"]]
        response = await ada.get(session_id)
        return (shown, page["total"], response.status_code) == (titles, len(titles), status)

    await until(is_current)


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("""UPDATE "ChatMessage" SET "body" = ("body"::jsonb || '{"content":"bye"}')::json""", ["bye"]),
        ('DELETE FROM "ChatMessage"', []),
        (
            """INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "sequence")
               SELECT "userId", "sessionId", 'new', "role", ("body"::jsonb || '{"id":"new","content":"bye"}')::json, 1
               FROM "ChatMessage" """,
            ["hi", "bye"],
        ),
    ],
    ids=["update", "delete", "insert"],
)
async def test_messages_changed_by_direct_sql_change_the_etag(
    ada: Caller, database: asyncpg.Pool, redis: RedisClient, statement: str, shown: list[str]
) -> None:
    session_id = (await ada.create("Lisbon", messages=[{"role": "user", "content": "hi"}]))["id"]
    await cached(redis, ada, [session_id])
    known = {"If-None-Match": (await ada.get(session_id)).headers["ETag"]}

    await database.execute(statement)

    async def modified() -> bool:
        response = await ada.http.get(f"/api/chat/sessions/{session_id}", headers=known)
        return response.status_code == 200 and [each["content"] for each in response.json()["messages"]] == shown

    await until(modified)


async def test_an_append_increments_the_version_once(ada: Caller, database: asyncpg.Pool) -> None:
    version = 'SELECT "version" FROM "ChatSession"'
    session_id = (await ada.create("Lisbon", messages=[{"role": "user"}]))["id"]
    created = await database.fetchval(version)
    await ada.append(session_id, "one", "two")
    assert await database.fetchval(version) == created + 1


async def test_a_session_inserted_by_direct_sql_appears_in_a_cached_list(
    ada: Caller, database: asyncpg.Pool, redis: RedisClient
) -> None:
    await cached(redis, ada, [(await ada.create("Lisbon"))["id"]])
    await database.execute("""INSERT INTO "ChatSession" ("id", "userId", "title") VALUES ('x', 'ada', 'Porto')""")

    async def appeared() -> bool:
        return await ada.titles() == ["Porto", "Lisbon"]

    await until(appeared)


async def test_a_change_that_is_rolled_back_leaves_no_note(ada: Caller, database: asyncpg.Pool) -> None:
    await ada.create("Lisbon")
    await swept(database)
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute('DELETE FROM "ChatSession"')
        await transaction.rollback()
    assert await notes(database) == []


async def test_the_outbox_is_drained(ada: Caller, database: asyncpg.Pool) -> None:
    created = await asyncio.gather(*(ada.create(f"Chat {number}") for number in range(30)))
    await asyncio.gather(*(ada.delete(each["id"]) for each in created))
    await swept(database)


async def test_the_backlog_is_measured(ada: Caller, database: asyncpg.Pool) -> None:
    await database.execute(
        """INSERT INTO "Outbox" ("userId", "sessionId", "change", "createdAt")
           VALUES ('ada', 'x', 'deleted', now() - interval '1 hour'), ('ada', 'y', 'deleted', now())"""
    )

    async def measured() -> bool:
        metrics = await scrape(ada)
        return metrics.sum("chat_outbox_depth") == 2 and metrics.sum("chat_outbox_age_seconds") >= 3600

    await until(measured)


@pytest.fixture(scope="module")
async def deployment(postgres: Postgres, settings: Settings) -> AsyncIterator[World]:
    async with world(postgres, settings, sweep_interval=0.1) as deployment:
        yield deployment


async def test_no_note_is_swept_twice(deployment: World) -> None:
    async with deployment.callers("ada") as callers:

        async def counted_notes() -> float:
            return sum([(await scrape(caller)).sum("chat_outbox_swept_total") for caller in callers])

        before = await counted_notes()
        await deployment.database.execute(
            """INSERT INTO "Outbox" ("userId", "sessionId", "change")
               SELECT 'user ' || number % 10, number::text, 'updated' FROM generate_series(1, 1000) AS number"""
        )
        await swept(deployment.database)
        assert await counted_notes() - before == 1000


async def test_a_note_stays_while_redis_is_away(deployment: World) -> None:
    await deployment.emptied()
    async with deployment.callers("ada") as (ada, _):
        session_id = (await ada.create("Lisbon"))["id"]
        await swept(deployment.database)
        deployment.redis.kill()
        await ada.delete(session_id)
        note = await deployment.database.fetchrow('SELECT "userId", "sessionId", "change" FROM "Outbox"')
        deployment.redis.start()
        assert note is not None
        assert tuple(note) == ("ada", session_id, "deleted")
        await swept(deployment.database)
    await deployment.trusted()


async def test_notes_locked_by_a_dead_worker_do_not_stop_others_from_trusting_the_cache(
    deployment: World,
) -> None:
    await deployment.emptied()
    await deployment.trusted()
    async with (
        deployment.callers("ada") as callers,
        deployment.redis_client() as redis,
        deployment.database.acquire() as dead,
    ):
        session_id = (await callers[0].create("Lisbon"))["id"]
        await swept(deployment.database)
        await cached(redis, callers[0], [session_id])
        deployment.redis.pause()
        await until_none(deployment.trusting)
        await deployment.database.execute('DELETE FROM "ChatSession"')
        async with dead.transaction():
            if citus.URL is not None:
                # There only the sweeper whose turn it is locks notes.
                assert await dead.fetchval(TAKE_TURN)
            assert len(await dead.fetch("""SELECT * FROM "Outbox" WHERE "userId" = 'ada' FOR UPDATE""")) == 1
            deployment.redis.resume()
            await until_none(deployment.distrusting)
            assert [(await each.get(session_id)).status_code for each in callers] == [404, 404]
    await swept(deployment.database)


async def test_a_note_locked_by_a_dead_worker_is_swept_by_the_others(deployment: World) -> None:
    await deployment.emptied()
    async with (
        deployment.callers("ada") as callers,
        deployment.redis_client() as redis,
        deployment.database.acquire() as dead,
        dead.transaction(),
    ):
        session_id = (await callers[0].create("Lisbon"))["id"]

        async def holds_a_note() -> bool:
            note = """INSERT INTO "Outbox" ("userId", "sessionId", "change") VALUES ('ada', $1, 'updated')"""
            await deployment.database.execute(note, session_id)
            return bool(await dead.fetch("""SELECT * FROM "Outbox" WHERE "userId" = 'ada' FOR UPDATE SKIP LOCKED"""))

        async def is_evicted() -> bool:
            return not await redis.exists(ADA.session(session_id))

        await until(holds_a_note)
        await redis.set(ADA.session(session_id), "stale", ex=300)
        await until(is_evicted)
        await deployment.trusted()
    await swept(deployment.database)


@pytest.fixture
async def busy_url(postgres: Postgres) -> AsyncIterator[str]:
    """A database in which notes are added constantly and deleted slowly."""
    url = await migrated_database(postgres)

    async def write() -> None:
        while True:
            await pool.execute(
                """INSERT INTO "Outbox" ("userId", "sessionId", "change") VALUES ('ada', 'x', 'updated')"""
            )

    async with asyncpg.create_pool(url, min_size=2, max_size=2) as pool, asyncio.TaskGroup() as tasks:
        await pool.execute(
            """CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END $$"""
        )
        await pool.execute('CREATE TRIGGER slow BEFORE DELETE ON "Outbox" FOR EACH STATEMENT EXECUTE FUNCTION slow()')
        writer = tasks.create_task(write())
        yield url
        writer.cancel()


async def test_a_worker_trusts_the_cache_while_new_notes_keep_arriving(settings: Settings, busy_url: str) -> None:
    async with running(settings.model_copy(update={"database_url": SecretStr(busy_url)})) as worker:
        assert '"status":"ok"' in await worker.readiness()


async def test_a_tombstone_expires(settings: Settings, database: asyncpg.Pool) -> None:
    await database.execute(
        """INSERT INTO "Tombstone" ("userId", "sessionId", "deletedAt")
           VALUES ('ada', 'old', now() - interval '25 hours'), ('ada', 'young', now() - interval '23 hours')"""
    )

    async def only_the_young_one_is_left() -> bool:
        return [row["sessionId"] for row in await database.fetch('SELECT "sessionId" FROM "Tombstone"')] == ["young"]

    async with running(settings):
        await until(only_the_young_one_is_left)


async def test_a_deleted_id_is_rejected_after_its_note_is_gone(ada: Caller, database: asyncpg.Pool) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    await ada.delete(session_id)
    await swept(database)
    assert (await ada.http.post("/api/chat/sessions", json={"id": session_id})).status_code == 409
