"""Migrations run on Node with npm packages alone and are atomic; the schema behaves as documented."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

import asyncpg
import pytest
from asyncpg.pool import PoolConnectionProxy

from chat_sessions.errors import DatabaseUnavailable, MigrationFailed
from chat_sessions.store.migrations import MIGRATIONS, known_migrations, migrate_deploy
from chat_sessions.store.prisma import node
from tests.engine.bridge import MakeDatabase
from tests.engine.prisma_cli import drift, prisma_migrate
from tests.waiting import until

DATABASES = "SELECT count(*) FROM pg_database"
RECORDS = """SELECT "migration_name", "checksum", "finished_at" IS NOT NULL, "applied_steps_count"
    FROM "_prisma_migrations" ORDER BY "migration_name" """
SLEEPING = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
APPLIED = [f"Applying {migration.name}" for migration in known_migrations()]
ALL_APPLIED = "All migrations are applied."
NOTHING = "Nothing to apply: the database is up to date."
LATE = "20990101000000_late"


def applied_to(url: str, migrations: Path = MIGRATIONS) -> list[str]:
    """Migrate, and return the reported lines."""
    lines: list[str] = []
    migrate_deploy(url, migrations, lines.append)
    return lines


def one(folder: Path, script: str, name: str = LATE) -> Path:
    """Return a migrations folder that contains this one."""
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "migration.sql").write_text(script)
    return folder


async def query_rows(url: str, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def exists(url: str, table: str) -> bool:
    return (await query_rows(url, f"SELECT to_regclass('{table}')")) != [(None,)]


async def test_migrations_apply_once(make_database: MakeDatabase) -> None:
    url = await make_database("fresh")
    assert applied_to(url) == [*APPLIED, ALL_APPLIED]
    assert applied_to(url) == [NOTHING]
    assert await query_rows(url, RECORDS) == [(known.name, known.checksum, True, 1) for known in known_migrations()]


async def test_prismas_cli_accepts_the_migrated_database(make_database: MakeDatabase) -> None:
    url = await make_database("handed_over")
    migrate_deploy(url)
    assert "Database schema is up to date!" in prisma_migrate(url, "status")
    assert "No pending migrations to apply." in prisma_migrate(url, "deploy")


async def test_migrations_applied_by_prismas_cli_are_not_repeated(make_database: MakeDatabase) -> None:
    url = await make_database("taken_over")
    prisma_migrate(url, "deploy")
    assert applied_to(url) == [NOTHING]


async def test_three_concurrent_runs_apply_each_migration_once(make_database: MakeDatabase) -> None:
    url = await make_database("contended")
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(applied_to, [url] * 3))
    assert sorted(each[-1] for each in reports) == [ALL_APPLIED, NOTHING, NOTHING]
    assert len(await query_rows(url, RECORDS)) == len(APPLIED)


async def test_a_run_that_waits_for_another_says_so(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = await make_database("patient")
    slow = one(tmp_path, "SELECT pg_sleep(60)")
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(applied_to, url, slow)
        await until(lambda: _has_rows(url, SLEEPING))
        lines: list[str] = []
        second = pool.submit(migrate_deploy, url, slow, lines.append)
        await until(lambda: _is(lines == ["Waiting for another migration to finish."]))
        one(tmp_path, "SELECT 1")
        await query_rows(url, SLEEPING.replace("SELECT pid", "SELECT pg_terminate_backend(pid)"))
        with pytest.raises(DatabaseUnavailable):
            first.result()
        await until(lambda: _has_rows(url, SLEEPING))
        await query_rows(url, SLEEPING.replace("SELECT pid", "SELECT pg_cancel_backend(pid)"))
        with pytest.raises(MigrationFailed, match=f"{LATE}: canceling statement due to user request"):
            second.result()
    assert applied_to(url, tmp_path) == [f"Applying {LATE}", ALL_APPLIED]


async def _has_rows(url: str, query: str) -> bool:
    return bool(await query_rows(url, query))


async def _is(condition: bool) -> bool:
    return condition


async def test_the_migrations_add_up_to_the_schema_and_the_comparison_keeps_the_data(
    make_database: MakeDatabase, database: asyncpg.Pool
) -> None:
    url = await make_database("beloved", migrated=True)
    await query_rows(url, """INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada')""")
    before = await database.fetchval(DATABASES)
    assert drift(url) == ""
    assert await query_rows(url, 'SELECT "id" FROM "ChatSession"') == [("a",)]
    assert await database.fetchval(DATABASES) == before, "the database for the comparison is dropped"


async def test_a_failed_migration_is_rolled_back_and_can_be_fixed(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = await make_database("broken")
    one(tmp_path, "CREATE TABLE kept (x int)", "20980101000000_good")
    one(tmp_path, "CREATE TABLE leftover (x int);\n-- a;b\nSELECT 1 / 0;")
    for _ in range(2):
        with pytest.raises(MigrationFailed, match=rf"^{LATE}: division by zero$"):
            migrate_deploy(url, tmp_path)
    assert await exists(url, "kept")
    assert not await exists(url, "leftover")
    one(tmp_path, "CREATE TABLE leftover (x int)")
    assert applied_to(url, tmp_path) == [f"Applying {LATE}", ALL_APPLIED]


async def test_a_migration_that_cannot_be_recorded_is_rolled_back(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = await make_database("unrecorded")
    one(tmp_path, "CREATE TABLE leftover (x int); ALTER TABLE _prisma_migrations ADD CHECK (checksum IS NULL)")
    with pytest.raises(MigrationFailed, match=f"^{LATE}: .*violates check constraint"):
        migrate_deploy(url, tmp_path)
    assert not await exists(url, "leftover")


async def test_a_migration_whose_process_is_killed_is_rolled_back(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = await make_database("killed")
    one(tmp_path, "CREATE TABLE leftover (x int); SELECT pg_sleep(600)")
    program = "import sys, pathlib; from chat_sessions.store.migrations import migrate_deploy as go; "
    process = Popen(  # noqa: ASYNC220, S603
        [sys.executable, "-c", program + "go(sys.argv[1], pathlib.Path(sys.argv[2]))", url, str(tmp_path)],
    )
    await until(lambda: _has_rows(url, SLEEPING))
    process.send_signal(signal.SIGKILL)
    process.wait()
    one(tmp_path, "SELECT 1")
    assert await asyncio.to_thread(lambda: applied_to(url, tmp_path)[-1]) == ALL_APPLIED
    assert not await exists(url, "leftover")


async def test_an_index_can_be_built_concurrently(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = await make_database("busy")
    one(tmp_path, "CREATE TABLE t (x int)", "20980101000000_table")
    one(tmp_path, "CREATE INDEX CONCURRENTLY extra ON t (x)")
    assert applied_to(url, tmp_path)[-2:] == [f"Applying {LATE}", ALL_APPLIED]
    assert await exists(url, "extra")
    assert applied_to(url, tmp_path) == [NOTHING]


async def test_a_failed_migration_outside_a_transaction_blocks_until_resolved(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = await make_database("blocked")
    one(tmp_path, "CREATE TABLE t (x int); INSERT INTO t VALUES (1), (1)", "20980101000000_table")
    one(tmp_path, "CREATE UNIQUE INDEX CONCURRENTLY half ON t (x)")
    with pytest.raises(MigrationFailed, match=rf"^{LATE}: could not create unique index"):
        migrate_deploy(url, tmp_path)
    with pytest.raises(MigrationFailed, match=f"^{LATE} did not finish: could not create unique index") as caught:
        migrate_deploy(url, tmp_path)
    await query_rows(url, "DROP INDEX half")
    await query_rows(url, "DELETE FROM t")
    await query_rows(url, str(caught.value).splitlines()[-1])
    assert applied_to(url, tmp_path)[-1] == ALL_APPLIED
    assert await exists(url, "half")


async def test_a_migration_changed_after_it_was_applied_is_rejected(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = await make_database("rewritten")
    migrate_deploy(url, one(tmp_path, "SELECT 1"))
    one(tmp_path, "CREATE TABLE later (x int)", "20990101000001_later")
    with pytest.raises(MigrationFailed, match=f"^{LATE} was changed after it was applied"):
        migrate_deploy(url, one(tmp_path, "SELECT 2"))
    assert not await exists(url, "later")


async def test_an_older_release_accepts_newer_migrations(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = await make_database("rolled_back")
    migrate_deploy(url, one(tmp_path, "SELECT 1"))
    (tmp_path / LATE / "migration.sql").unlink()
    assert applied_to(url, tmp_path) == [f"{LATE} is applied, but unknown to this release.", NOTHING]


async def test_a_foreign_database_is_not_touched(make_database: MakeDatabase) -> None:
    url = await make_database("foreign")
    await query_rows(url, "CREATE TABLE invoices (x int)")
    with pytest.raises(MigrationFailed, match=r'schema "public" of this database is not empty \(invoices\)'):
        migrate_deploy(url)
    assert not await exists(url, "_prisma_migrations")


async def test_a_statement_timeout_of_the_database_does_not_end_a_long_migration(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = await make_database("limited")
    await query_rows(url, "ALTER DATABASE limited SET statement_timeout = '200ms'")
    assert applied_to(url, one(tmp_path, "SELECT pg_sleep(0.5)"))[-1] == ALL_APPLIED


@pytest.mark.parametrize("url", ["postgresql://ada@127.0.0.1:1/x", "postgresql://ada@/x?host=/nowhere"])
def test_without_postgres_migrate_is_unavailable(url: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        migrate_deploy(url)
    assert "connect E" in str(caught.value.cause)


@pytest.fixture
async def guarded(make_database: MakeDatabase) -> str:
    """Return the URL of a role that may only connect."""
    url = await make_database("guarded")
    await query_rows(url, "DROP ROLE IF EXISTS guest")
    await query_rows(url, f"CREATE ROLE guest LOGIN PASSWORD '{urlsplit(url).password}'")
    await query_rows(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return urlsplit(url)._replace(netloc=urlsplit(url).netloc.replace(str(urlsplit(url).username), "guest")).geturl()


async def test_missing_privileges_are_reported_with_the_grant(guarded: str) -> None:
    with pytest.raises(MigrationFailed, match=r"(?s)permission denied for schema public.*GRANT CREATE ON SCHEMA"):
        migrate_deploy(guarded)


async def test_a_missing_database_fails_without_waiting(guarded: str) -> None:
    url = urlsplit(guarded)._replace(path="/nowhere").geturl()
    with pytest.raises(MigrationFailed, match=r'(?s)database "nowhere" does not exist.*Create the database'):
        migrate_deploy(url)


async def test_a_wrong_password_is_not_retried(guarded: str) -> None:
    url = guarded.replace(str(urlsplit(guarded).password), "wrong")
    with pytest.raises(
        MigrationFailed, match=r'(?s)authentication failed for user "guest".*Check the user and the pass'
    ):
        migrate_deploy(url)


@pytest.mark.parametrize("password", ["pa@ss", "pa/ss", "pa#ss", "pa?ss", "pa%ss", "12/ss", "12#ss", "12?ss", "p@/s"])
def test_an_unencoded_password_is_reported_without_showing_it(password: str) -> None:
    with pytest.raises(MigrationFailed, match=r"password must be percent-encoded") as caught:
        migrate_deploy(f"postgresql://ada:{password}@127.0.0.1:1/x")
    assert password not in str(caught.value)


def test_a_missing_certificate_is_named() -> None:
    with pytest.raises(MigrationFailed, match=r"names a missing file.*/nowhere/ca\.pem"):
        migrate_deploy("postgresql://ada@127.0.0.1:1/x?sslrootcert=/nowhere/ca.pem")


def test_without_node_the_error_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "find_node", lambda: "/nowhere/node")
    with pytest.raises(MigrationFailed, match=r"Node\.js, which runs the migrations, does not start"):
        migrate_deploy("postgresql://ada@127.0.0.1:1/x")


@pytest.fixture
async def unswept(database: asyncpg.Pool) -> AsyncIterator[PoolConnectionProxy]:
    """A connection in a transaction, whose notes no running service sees and sweeps."""
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


async def _notes(database: asyncpg.Pool | PoolConnectionProxy) -> list[tuple[str, str, str]]:
    rows = await database.fetch('SELECT "userId", "sessionId", "change" FROM "Outbox" ORDER BY "id"')
    return [tuple(row) for row in rows]


async def test_a_rename_is_noted_once(unswept: PoolConnectionProxy) -> None:
    await unswept.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada')""")
    await unswept.execute("""UPDATE "ChatSession" SET "title" = 'Porto'""")
    assert await _notes(unswept) == [("ada", "a", "created"), ("ada", "a", "updated")]


async def test_every_change_is_noted_in_the_outbox(unswept: PoolConnectionProxy) -> None:
    await unswept.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada'), ('a', 'bob')""")
    await unswept.execute("""DELETE FROM "ChatSession" WHERE "userId" = 'ada'""")
    await unswept.execute('TRUNCATE "ChatSession" CASCADE')
    notes = await _notes(unswept)
    assert sorted(notes[:2]) == [("ada", "a", "created"), ("bob", "a", "created")]
    assert notes[2:] == [("ada", "a", "deleted"), ("bob", "a", "deleted")]
    tombstones = await unswept.fetch('SELECT "userId", "sessionId" FROM "Tombstone"')
    assert {tuple(row) for row in tombstones} == {("ada", "a"), ("bob", "a")}


@pytest.mark.parametrize("column", ["userId", "id"])
async def test_direct_sql_cannot_change_a_sessions_user_or_id(unswept: PoolConnectionProxy, column: str) -> None:
    await unswept.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada')""")
    with pytest.raises(asyncpg.RaiseError, match="keeps its user and its id"):
        async with unswept.transaction():
            await unswept.execute(f"""UPDATE "ChatSession" SET "{column}" = 'eve'""")  # noqa: S608  from above
    assert await _notes(unswept) == [("ada", "a", "created")]


async def test_a_rolled_back_change_is_not_noted(database: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await database.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada'); SELECT 1 / 0""")
    assert await _notes(database) == []


async def test_every_update_increments_the_version(database: asyncpg.Pool) -> None:
    await database.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada')""")
    version = 'SELECT "version" FROM "ChatSession"'
    before = await database.fetchval(version)
    await database.execute("""UPDATE "ChatSession" SET "title" = 'x'""")
    assert await database.fetchval(version) > before
