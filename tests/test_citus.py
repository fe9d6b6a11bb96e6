"""`migrate --citus` on a cluster: what it distributes and refuses, and what doctor reports."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from chat_sessions.dev.embedded import Postgres
from chat_sessions.errors import MigrationFailed
from chat_sessions.settings import Settings
from chat_sessions.store.migrations import migrate_deploy
from tests import citus
from tests.citus import Coordinator, connected, named
from tests.command import Operator
from tests.databases import migrated_database
from tests.service import Caller, running
from tests.test_doctor import Doctor
from tests.waiting import notes, swept

on_a_cluster = pytest.mark.skipif(citus.URL is None, reason="CHAT_TEST_CITUS_URL names no coordinator")

SETTING = "citus.enable_unsafe_triggers"
ROWS_LEFT_BEHIND = (
    """SELECT sum(pg_relation_size(name::regclass))::int FROM unnest(ARRAY['"ChatSession"', '"Outbox"']) AS name"""
)


def distribute(url: str) -> list[str]:
    lines: list[str] = []
    migrate_deploy(url, report=lines.append, citus=True)
    return lines


@pytest.mark.skipif(citus.URL is not None, reason="the embedded Postgres is not in use")
async def test_a_database_without_the_extension_is_migrated_but_not_distributed(postgres: Postgres) -> None:
    url = await migrated_database(postgres)
    with pytest.raises(MigrationFailed, match="lacks the extension citus") as refusal:
        await asyncio.to_thread(distribute, url)
    assert "shared_preload_libraries = 'citus'" in str(refusal.value)


@pytest.fixture
async def url(postgres: Coordinator) -> str:
    """A distributed database."""
    return await postgres.migrated_database()


@pytest.fixture
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    async with connected(url) as connection:
        yield connection


@pytest.fixture
async def doctor(settings: Settings, url: str) -> Doctor:
    return Doctor(Operator(settings), url)


@on_a_cluster
async def test_existing_rows_are_distributed_without_notes_and_without_copies_on_the_coordinator(
    postgres: Coordinator, settings: Settings
) -> None:
    url = named(postgres.admin, await postgres.empty_database())
    await asyncio.to_thread(migrate_deploy, url)
    one_node = settings.model_copy(update={"database_url": SecretStr(url)})
    message = {"role": "user", "content": "hi"}
    async with connected(url) as connection:
        async with running(one_node) as worker, worker.client("ada") as client:
            session_id = (await Caller(client).create("Lisbon", messages=[message]))["id"]
            deleted_id = (await Caller(client).create("Porto"))["id"]
            await Caller(client).delete(deleted_id)
            await swept(connection)
        assert 'Distributed "ChatSession".' in await asyncio.to_thread(distribute, url)
        assert await notes(connection) == []
        assert await connection.fetchval(ROWS_LEFT_BEHIND) == 0
        async with running(one_node) as worker, worker.client("ada") as client:
            ada = Caller(client)
            assert await ada.titles() == ["Lisbon"]
            assert (await ada.append(session_id, "again")).json()["messages"][0]["sequence"] == 1
            assert (await ada.http.post("/api/chat/sessions", json={"id": deleted_id})).status_code == 409


@on_a_cluster
async def test_functions_created_before_the_extension_reach_every_node(postgres: Coordinator) -> None:
    name = await postgres.plain_database()
    url, create = named(postgres.admin, name), """INSERT INTO "ChatSession" ("id", "userId") VALUES ('x', 'ada')"""
    await asyncio.to_thread(migrate_deploy, url)
    await postgres.extend(name)
    await asyncio.to_thread(distribute, url)
    async with connected(url) as connection:
        await connection.execute("""INSERT INTO "WebhookReceiver" VALUES ('https://a.example', '{session.deleted}')""")
        await connection.execute(create)
        await connection.execute("""DELETE FROM "ChatSession" WHERE "userId" = 'ada'""")
        assert await connection.fetchval('SELECT "sessionIds" FROM "WebhookDelivery"') == ["x"]
        with pytest.raises(asyncpg.UniqueViolationError, match="was deleted"):
            await connection.execute(create)


@on_a_cluster
async def test_distributing_again_changes_nothing(url: str) -> None:
    assert await asyncio.to_thread(distribute, url) == ["Nothing to apply: the database is up to date."]


@on_a_cluster
async def test_truncating_the_copies_on_the_coordinator_deletes_no_session(connection: asyncpg.Connection) -> None:
    """Citus recommends this after distributing a table."""
    await connection.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('x', 'ada')""")
    await connection.execute("""SELECT truncate_local_data_after_distributing_table('"ChatSession"')""")
    assert await connection.fetchval('SELECT count(*) FROM "ChatSession"') == 1
    assert await connection.fetchval('SELECT count(*) FROM "Tombstone"') == 0


@on_a_cluster
async def test_messages_accepted_while_their_shard_moves_are_kept(
    url: str, settings: Settings, connection: asyncpg.Connection
) -> None:
    [(shard, port)] = await connection.fetch(
        """SELECT shardid, nodeport FROM pg_dist_shard_placement
           WHERE shardid = get_shard_id_for_distribution_column('"ChatSession"', 'ada'::text)"""
    )
    free = await connection.fetchval(
        "SELECT min(nodeport) FROM pg_dist_node WHERE groupid <> 0 AND nodeport <> $1", port
    )
    move = "SELECT citus_move_shard_placement($1, '127.0.0.1', $2, '127.0.0.1', $3, 'block_writes')"
    accepted: list[str] = []
    moved = asyncio.Event()

    async def append() -> None:
        while not moved.is_set():
            message_id = str(len(accepted))
            if (await ada.append(session_id, "hi", id=message_id)).status_code == 201:
                accepted.append(message_id)

    own = settings.model_copy(update={"database_url": SecretStr(url)})
    async with running(own) as worker, worker.client("ada") as client, asyncio.TaskGroup() as tasks:
        ada = Caller(client)
        session_id = (await ada.create("Lisbon"))["id"]
        tasks.create_task(append())
        await connection.execute(move, shard, port, free)
        moved.set()
    stored = await connection.fetch("""SELECT "id" FROM "ChatMessage" WHERE "userId" = 'ada' ORDER BY "sequence" """)
    assert [row["id"] for row in stored] == accepted
    assert accepted != []


@on_a_cluster
async def test_a_node_that_refuses_triggers_is_named(postgres: Coordinator) -> None:
    name = await postgres.empty_database()
    [worker, *_] = await postgres.workers()
    async with connected(named(worker, name)) as node:
        await node.execute("SET citus.enable_ddl_propagation = off")
        await node.execute(f'ALTER DATABASE "{name}" SET {SETTING} = off')
    with pytest.raises(MigrationFailed, match=f"{SETTING} is not on everywhere .*: off") as refusal:
        await asyncio.to_thread(distribute, named(postgres.admin, name))
    assert f"ALTER SYSTEM SET {SETTING} = on" in str(refusal.value)


@on_a_cluster
async def test_a_worker_node_is_refused(postgres: Coordinator) -> None:
    name = await postgres.empty_database()
    [worker, *_] = await postgres.workers()
    with pytest.raises(MigrationFailed, match="Connect to the coordinator"):
        await asyncio.to_thread(distribute, named(worker, name))


@on_a_cluster
async def test_doctor_finds_nothing_wrong_on_a_distributed_database(doctor: Doctor) -> None:
    found = await doctor.find()
    assert found["ok", "citus"].startswith("the users are distributed over")


@on_a_cluster
async def test_doctor_reports_tables_that_are_still_on_one_node(postgres: Coordinator, settings: Settings) -> None:
    url = named(postgres.admin, await postgres.empty_database())
    await asyncio.to_thread(migrate_deploy, url)
    found = await Doctor(Operator(settings), url).find()
    assert "migrate --citus" in found["warning", "citus"]


@on_a_cluster
async def test_doctor_reports_a_function_that_is_not_for_citus(doctor: Doctor, connection: asyncpg.Connection) -> None:
    await connection.execute(
        """CREATE OR REPLACE FUNCTION "ChatSession_note_update"() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RETURN NULL; END; $$"""
    )
    assert "the function ChatSession_note_update is not the one for Citus" in (await doctor.find())["wrong", "citus"]


@on_a_cluster
async def test_doctor_reports_a_disabled_trigger_of_a_shard(doctor: Doctor, connection: asyncpg.Connection) -> None:
    await connection.execute(
        """SELECT run_command_on_shards('"ChatSession"', $$
               SET citus.enable_manual_changes_to_shards = on; ALTER TABLE %s DISABLE TRIGGER USER $$)"""
    )
    assert "triggers are missing on" in (await doctor.find())["wrong", "citus"]


@on_a_cluster
async def test_writes_fail_on_nodes_with_another_isolation_level_and_doctor_names_it(
    url: str, settings: Settings, doctor: Doctor, connection: asyncpg.Connection
) -> None:
    name = urlsplit(url).path[1:]
    await connection.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    own = settings.model_copy(update={"database_url": SecretStr(url)})
    async with running(own) as worker, worker.client("ada") as client:
        assert (await client.post("/api/chat/sessions")).status_code == 503
    assert "default_transaction_isolation is repeatable read" in (await doctor.find())["wrong", "citus"]
