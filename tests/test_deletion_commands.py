"""Purging unused sessions, and erasing a user."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import asyncpg
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis as RedisClient

from chat_sessions.dev.embedded import Postgres
from chat_sessions.dev.embedded.machine import free_port
from chat_sessions.operator import workbench
from chat_sessions.operator.bulk import Position
from chat_sessions.settings import Settings
from chat_sessions.telemetry.logs import configure_logging
from chat_sessions.telemetry.pseudonyms import pseudonyms
from tests.caching import cached
from tests.command import Operator
from tests.databases import migrated_database
from tests.service import Caller
from tests.world import IMPATIENT

STRANGE_USERS = ["a*", "a?", "a[bc]", "a\\", "{a}", "a:b", "ä\u2028", "%61"]


@pytest.fixture
def operator(settings: Settings) -> Operator:
    return Operator(settings)


@pytest.fixture
def without_redis(settings: Settings) -> Settings:
    return settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{free_port()}/0"), **IMPATIENT})


async def age(database: asyncpg.Pool, days: int, *session_ids: str) -> None:
    """Make sessions unused for some days, without notes in the outbox."""
    then = datetime.now(UTC) - timedelta(days=days)
    await database.execute('UPDATE "ChatSession" SET "updatedAt" = $1 WHERE "id" = ANY($2)', then, session_ids)


async def old_sessions(database: asyncpg.Pool, *owners: Caller) -> list[str]:
    """Give each user a session with two messages that was last used 100 days ago."""
    ids = [(await owner.create("old", messages=[{"role": "user"}] * 2))["id"] for owner in owners]
    await age(database, 100, *ids)
    return ids


async def count(database: asyncpg.Pool, table: str = "ChatSession") -> int:
    counted: int = await database.fetchval(f'SELECT count(*) FROM "{table}"')  # noqa: S608  a constant
    return counted


async def keys_of(redis: RedisClient, user: str) -> list[str]:
    prefix = f"chat:{{{quote(user, safe='')}}}:"
    return [key.decode() async for key in redis.scan_iter() if key.decode().startswith(prefix)]


async def test_a_purge_deletes_exactly_the_old_sessions_of_all_users_with_their_messages(
    operator: Operator, ada: Caller, bob: Caller, database: asyncpg.Pool
) -> None:
    old = await old_sessions(database, ada, bob, ada)
    young = await ada.create("young", messages=[{"role": "user"}])
    [edge] = await old_sessions(database, bob)
    await age(database, 89, edge)
    result = await operator.succeed("purge", "--inactive-days", "90")
    assert "Deleted 3 sessions with 6 messages" in result.output
    left = await database.fetch('SELECT "id" FROM "ChatSession"')
    assert {row["id"] for row in left} == {young["id"], edge}
    assert await count(database, "ChatMessage") == 3
    tombstones = await database.fetch('SELECT "sessionId" FROM "Tombstone"')
    assert {row["sessionId"] for row in tombstones} == set(old)


async def test_a_dry_run_counts_and_deletes_nothing(
    operator: Operator, ada: Caller, bob: Caller, database: asyncpg.Pool
) -> None:
    await old_sessions(database, ada, bob)
    result = await operator.succeed("purge", "--inactive-days", "90", "--dry-run")
    assert result.output.startswith("2 sessions not used since")
    assert await count(database) == 2


async def test_a_purged_session_is_not_read_from_the_cache(
    operator: Operator, ada: Caller, database: asyncpg.Pool, redis: RedisClient
) -> None:
    [old] = await old_sessions(database, ada)
    await cached(redis, ada, [old])
    await operator.succeed("purge", "--inactive-days", "90")
    assert (await ada.get(old)).status_code == 404
    assert await ada.titles() == []


async def test_a_purge_deletes_only_the_old_one_of_two_sessions_with_the_same_id(
    operator: Operator, ada: Caller, bob: Caller, database: asyncpg.Pool
) -> None:
    [old] = await old_sessions(database, ada)
    await bob.create("young", id=old)
    result = await operator.succeed("purge", "--inactive-days", "90")
    assert "Deleted 1 session " in result.output
    assert (await ada.get(old)).status_code == 404
    assert (await bob.get(old)).status_code == 200


@pytest.mark.parametrize("batch", ["1", "2", "500"])
async def test_a_purge_finds_sessions_of_several_users_with_the_same_id_and_time(
    operator: Operator, ada: Caller, bob: Caller, database: asyncpg.Pool, batch: str
) -> None:
    [old] = await old_sessions(database, ada)
    await bob.create("old", id=old)
    await age(database, 100, old)
    assert (await operator.succeed("purge", "--inactive-days", "90", "--dry-run")).output.startswith("2 sessions")
    assert "Deleted 2 sessions" in (await operator.succeed("purge", "--inactive-days", "90", "--batch", batch)).output
    assert await count(database) == 0


async def test_a_purge_notifies_each_owner_of_their_own_sessions_only(
    operator: Operator, ada: Caller, bob: Caller, database: asyncpg.Pool, redis: RedisClient
) -> None:
    of_ada, of_bob = await old_sessions(database, ada, bob)
    await redis.flushall()
    await operator.succeed("purge", "--inactive-days", "90")
    for user, session_id in (("ada", of_ada), ("bob", of_bob)):
        events: list[dict[bytes, bytes]] = [fields for _, fields in await redis.xrange(f"chat:{{{user}}}:events")]  # type: ignore[union-attr,misc]
        # Twice if a sweeper is quicker than the command.
        assert {b"change": b"deleted", b"id": session_id.encode()} in events
        assert {fields[b"id"] for fields in events} == {session_id.encode()}


async def test_a_session_being_written_is_not_purged_and_does_not_block_the_purge(
    operator: Operator, ada: Caller, bob: Caller, database: asyncpg.Pool
) -> None:
    in_use, _ = await old_sessions(database, ada, bob)
    async with database.acquire() as writer, writer.transaction():
        await writer.execute('UPDATE "ChatSession" SET "updatedAt" = now() WHERE "id" = $1', in_use)
        result = await operator.succeed("purge", "--inactive-days", "90")
    assert "Deleted 1 session " in result.output
    assert await database.fetchval('SELECT "id" FROM "ChatSession"') == in_use


async def test_small_batches_purge_all_old_sessions_even_with_equal_times(
    operator: Operator, ada: Caller, database: asyncpg.Pool
) -> None:
    ids = await old_sessions(database, *[ada] * 7)
    await age(database, 100, *ids)
    result = await operator.succeed("purge", "--inactive-days", "90", "--batch", "2")
    assert "Deleted 7 sessions" in result.output
    assert await count(database) == 0


async def test_a_batch_has_no_more_messages_than_one_statement_can_delete_in_time(
    settings: Settings, ada: Caller, database: asyncpg.Pool
) -> None:
    ids = await old_sessions(database, ada, ada, ada)
    await database.execute('UPDATE "ChatSession" SET "messageCount" = 15000')
    await age(database, 100, *ids)
    async with workbench.opened(settings) as bench:
        cutoff = await bench.bulk.cutoff(90)
        sizes = [len(batch) async for batch in bench.purge.run(cutoff, 500)]
    configure_logging(settings)
    assert sizes == [1, 1, 1]


async def test_a_purge_finishes_what_an_interrupted_one_left(
    settings: Settings, operator: Operator, ada: Caller, database: asyncpg.Pool
) -> None:
    await old_sessions(database, *[ada] * 5)
    async with workbench.opened(settings) as bench:
        await bench.bulk.delete_unused(await bench.bulk.cutoff(90), Position(), 2)
    configure_logging(settings)
    assert await count(database, "Tombstone") == 2
    result = await operator.succeed("purge", "--inactive-days", "90")
    assert "Deleted 3 sessions" in result.output


async def test_a_purge_without_redis_deletes_and_leaves_evictions_to_the_outbox(
    without_redis: Settings, ada: Caller, database: asyncpg.Pool
) -> None:
    await old_sessions(database, ada)
    result = await Operator(without_redis).succeed("purge", "--inactive-days", "90")
    assert "Deleted 1 session" in result.stdout
    assert "Redis is unavailable" in result.stderr
    assert await count(database) == 0


async def test_sessions_counted_by_several_statements_add_up(
    settings: Settings, ada: Caller, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_sessions.operator.bulk.COUNTED_AT_ONCE", 2)
    await old_sessions(database, *[ada] * 5)
    async with workbench.opened(settings) as bench:
        assert await bench.bulk.count_unused(await bench.bulk.cutoff(90)) == 5
    configure_logging(settings)


async def test_an_erasure_leaves_only_the_ids_that_must_not_be_reused(
    operator: Operator, ada: Caller, bob: Caller, database: asyncpg.Pool, redis: RedisClient
) -> None:
    ids = [(await ada.create("mine", messages=[{"role": "user", "content": "private"}]))["id"] for _ in range(3)]
    kept = await bob.create("his")
    await asyncio.gather(ada.page(), *(ada.get(each) for each in ids))
    result = await operator.succeed("erase-user", "ada", "--yes")
    assert "erased 3 sessions with 3 messages" in result.output
    assert "Tombstones keep the ids of 3 sessions and the user's id for up to 24 h" in result.output
    assert await keys_of(redis, "ada") == []
    tombstones = await database.fetch('SELECT "userId", "sessionId" FROM "Tombstone"')
    assert {tuple(row) for row in tombstones} == {("ada", each) for each in ids}
    for table in ("ChatSession", "ChatMessage", "Outbox"):
        found = await database.fetch(f'SELECT "{table}"::text AS "row" FROM "{table}"')  # noqa: S608
        assert not [row for row in found if "ada" in row["row"] or "private" in row["row"]]
    assert (await bob.get(kept["id"])).status_code == 200


async def test_an_erasure_prints_only_the_pseudonym_of_the_user(
    operator: Operator, ada: Caller, settings: Settings
) -> None:
    await ada.create()
    result = await operator.succeed("erase-user", "ada", "--yes")
    assert pseudonyms(settings.log_user_key)("ada") in result.output
    assert "ada" not in result.output


async def test_erasing_a_user_whose_name_is_a_pattern_affects_no_other_user(
    settings: Settings, redis: RedisClient
) -> None:
    everybody = [*STRANGE_USERS, "ab", "a", "ac", "abb", "a%2A"]
    for each in everybody:
        await redis.set(f"chat:{{{quote(each, safe='')}}}:session:x", "", ex=60)
    async with workbench.opened(settings.model_copy(update={"cache_hold": 0.05})) as bench:
        for user in STRANGE_USERS:
            done = await bench.eraser.erase(user)
            assert done.complete
            assert done.keys == 1
            everybody.remove(user)
            assert [each for each in everybody if not await keys_of(redis, each)] == []
    configure_logging(settings)


async def test_an_unconfirmed_erasure_deletes_nothing(operator: Operator, ada: Caller, database: asyncpg.Pool) -> None:
    await ada.create()
    for response in ("n\n", ""):
        result = await operator.fail("erase-user", "ada", stdin=response)
        assert "Erase all chats of user 'ada' for good?" in result.output
    assert await count(database) == 1


async def test_a_user_who_keeps_writing_is_reported_erased_only_after_the_last_write(
    settings: Settings, ada: Caller, database: asyncpg.Pool, redis: RedisClient
) -> None:
    async def write() -> None:
        while True:
            await ada.create("still here")

    async with workbench.opened(settings.model_copy(update={"cache_hold": 0.1})) as bench:
        writing = asyncio.create_task(write())
        busy = await bench.eraser.erase("ada", rounds=2)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        assert not busy.complete
        # The service's holds last longer than this command's, and must expire first.
        quiet = await bench.eraser.erase("ada", rounds=60)
    configure_logging(settings)
    assert quiet.complete
    assert await count(database) == 0
    assert await keys_of(redis, "ada") == []


async def test_without_redis_an_erasure_deletes_the_rows_and_reports_that_redis_was_not_checked(
    without_redis: Settings, ada: Caller, database: asyncpg.Pool
) -> None:
    await ada.create()
    result = await Operator(without_redis).fail("erase-user", "ada", "--yes")
    assert "Redis     not checked" in result.output
    assert "before it trusts its cache again" in result.output
    assert await count(database) == 0


async def test_an_erasure_keeps_the_outbox_notes_until_redis_has_evicted(
    settings: Settings, without_redis: Settings, postgres: Postgres
) -> None:
    # No service runs, so nothing else sweeps.
    url = await migrated_database(postgres)
    own = {"database_url": SecretStr(url), "cache_hold": 0.05}
    connection = await asyncpg.connect(url)
    await connection.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('x', 'ada'), ('y', 'bob')""")
    async with workbench.opened(without_redis.model_copy(update=own)) as bench:
        blind = await bench.eraser.erase("ada")
    async with workbench.opened(settings.model_copy(update=own)) as bench:
        seen = await bench.eraser.erase("ada")
    configure_logging(settings)
    assert (blind.sessions, blind.left.notes, blind.complete) == (1, 2, False)
    assert (seen.sessions, seen.left.notes, seen.complete) == (0, 0, True)
    assert await connection.fetchval('SELECT "userId" FROM "Outbox"') == "bob"
    await connection.close()


async def test_an_unreachable_database_is_reported(operator: Operator) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    for command in (["purge", "--inactive-days", "9"], ["erase-user", "ada", "--yes"], ["export", "--user", "ada"]):
        result = await operator.fail(*command, CHAT_DATABASE_URL=url)
        assert "Postgres cannot be reached" in result.stderr
        assert "chat-sessions doctor" in result.stderr


async def test_missing_configuration_is_reported(operator: Operator) -> None:
    for command in (["purge", "--inactive-days", "9"], ["erase-user", "ada", "--yes"], ["import", "--user", "ada"]):
        result = await operator.fail(*command, CHAT_DATABASE_URL=None, CHAT_REDIS_URL=None)
        assert "CHAT_DATABASE_URL" in result.stderr
        assert "CHAT_REDIS_URL" in result.stderr
