"""Migrations run by Node, from npm alone, and leave nothing half done; what they build behaves as promised."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import asyncpg
import pytest

from chat_sessions.errors import DatabaseUnavailable, MigrationFailed
from chat_sessions.migrations import drift, migrate_deploy
from tests.engine.bridge import MIGRATIONS, MakeDatabase

DATABASES = "SELECT count(*) FROM pg_database"


async def test_they_apply_once_and_then_have_nothing_to_do(make_database: MakeDatabase) -> None:
    url = await make_database("fresh")
    assert "All migrations have been successfully applied." in migrate_deploy(url)
    began = monotonic()
    assert "No pending migrations to apply." in migrate_deploy(url)
    assert monotonic() - began < 5


async def test_three_at_once_apply_them_once(make_database: MakeDatabase) -> None:
    url = await make_database("contended")
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(migrate_deploy, [url] * 3))
    assert sum("successfully applied" in each for each in said) == 1
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT count(*) FROM _prisma_migrations") == len(list(MIGRATIONS.glob("*/")))
    await connection.close()


async def test_the_schema_is_the_sum_of_the_migrations_and_the_data_is_left_alone(
    make_database: MakeDatabase, database: asyncpg.Pool
) -> None:
    url = await make_database("beloved", migrated=True)
    connection = await asyncpg.connect(url)
    await connection.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada')""")
    before = await database.fetchval(DATABASES)
    assert drift(url) == ""
    assert await connection.fetchval('SELECT "id" FROM "ChatSession"') == "a"
    assert await database.fetchval(DATABASES) == before, "the database for the comparison is gone"
    await connection.close()


async def test_a_migration_that_fails_leaves_nothing_behind(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = await make_database("broken")
    shutil.copytree(MIGRATIONS, tmp_path, dirs_exist_ok=True)
    bad = tmp_path / "20990101000000_bad"
    bad.mkdir()
    (bad / "migration.sql").write_text("CREATE TABLE leftover (x int);\n-- a;b\nSELECT 1 / 0;")
    with pytest.raises(MigrationFailed, match=r"(?s)20990101000000_bad.*division by zero"):
        migrate_deploy(url, tmp_path)
    with pytest.raises(MigrationFailed, match="20990101000000_bad"):
        migrate_deploy(url, tmp_path)
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT to_regclass('leftover')") is None
    assert await connection.fetchval("""SELECT to_regclass('"ChatSession"')""") is not None
    await connection.close()


@pytest.mark.parametrize("url", ["postgresql://ada@127.0.0.1:1/x", "postgresql://ada@/x?host=/nowhere"])
def test_without_postgres_they_are_unavailable(url: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        migrate_deploy(url)
    assert "cannot be reached" in str(caught.value.__cause__)


async def _notes(database: asyncpg.Pool) -> list[tuple[str, str, str]]:
    rows = await database.fetch('SELECT "userId", "sessionId", "change" FROM "Outbox" ORDER BY "id"')
    return [tuple(row) for row in rows]


async def test_a_renaming_is_noted_once(database: asyncpg.Pool) -> None:
    await database.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada')""")
    await database.execute("""UPDATE "ChatSession" SET "title" = 'Porto'""")
    assert await _notes(database) == [("ada", "a", "created"), ("ada", "a", "updated")]


async def test_every_change_is_noted_in_the_outbox(database: asyncpg.Pool) -> None:
    await database.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada'), ('b', 'bob')""")
    await database.execute("""UPDATE "ChatSession" SET "userId" = 'eve' WHERE "id" = 'a'""")
    await database.execute("""DELETE FROM "ChatSession" WHERE "id" = 'a'""")
    await database.execute('TRUNCATE "ChatSession" CASCADE')
    notes = await _notes(database)
    assert sorted(notes[:2]) == [("ada", "a", "created"), ("bob", "b", "created")]
    assert sorted(notes[2:4]) == [("ada", "a", "deleted"), ("eve", "a", "created")]
    assert notes[4:] == [("eve", "a", "deleted"), ("bob", "b", "deleted")]
    assert {row["sessionId"] for row in await database.fetch('SELECT * FROM "Tombstone"')} == {"a", "b"}


async def test_a_rolled_back_change_is_not_noted(database: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await database.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada'); SELECT 1 / 0""")
    assert await _notes(database) == []


async def test_every_update_moves_the_version_on(database: asyncpg.Pool) -> None:
    await database.execute("""INSERT INTO "ChatSession" ("id", "userId") VALUES ('a', 'ada')""")
    version = 'SELECT "version" FROM "ChatSession"'
    before = await database.fetchval(version)
    await database.execute("""UPDATE "ChatSession" SET "title" = 'x'""")
    assert await database.fetchval(version) > before
