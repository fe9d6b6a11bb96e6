"""The service as a Postgres role with exactly the documented privileges."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from tests.command import Operator
from tests.databases import migrated_database
from tests.service import Caller, running
from tests.waiting import swept

GUIDE = Path(__file__).parents[1] / "docs" / "operations.md"
BLOCK = re.compile(r"^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)
CREATED = re.compile(r"^CREATE ROLE (\w+) LOGIN PASSWORD '([^']+)'", re.MULTILINE)
REVOKED = re.compile(r"`(REVOKE [^`]+)`")
ROLES = ("chat_owner", "chat_api")
NEEDED = [
    *(f'{privilege} ON TABLE "{table}"' for table in ("ChatSession", "ChatMessage", "Outbox", "Tombstone")
      for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE")),
    'USAGE ON SEQUENCE "Outbox_id_seq"',
    'SELECT ON TABLE "_prisma_migrations"',
    "USAGE ON SCHEMA public",
]  # fmt: skip


@pytest.fixture(scope="module")
async def owner(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to a database that the guide's roles have migrated."""
    url = await migrated_database(postgres)
    connection = await asyncpg.connect(url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    [statements] = [each for each in BLOCK.findall(GUIDE.read_text()) if "CREATE ROLE" in each]
    await connection.execute(statements)
    yield connection
    for role in ROLES:
        await connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")
    await connection.close()


@pytest.fixture(scope="module")
async def confined(owner: asyncpg.Connection, settings: Settings, postgres: Postgres) -> Settings:
    """The settings of the service under the guide's role."""
    name = await owner.fetchval("SELECT current_database()")
    urls = {role: url_of(postgres, role, password, name) for role, password in CREATED.findall(GUIDE.read_text())}
    await Operator(settings).succeed("migrate", "--database-url", urls["chat_owner"])
    for statement in REVOKED.findall(GUIDE.read_text()):
        await owner.execute(statement)
    return settings.model_copy(update={"database_url": SecretStr(urls["chat_api"])})


def url_of(postgres: Postgres, role: str, password: str, database: str) -> str:
    parts = urlsplit(postgres.url)
    credentials = f"{role}:{password.replace(' ', '%20')}"
    return parts._replace(netloc=f"{credentials}@{parts.netloc.rpartition('@')[2]}", path=f"/{database}").geturl()


async def test_the_documented_role_can_run_every_call_and_command(confined: Settings) -> None:
    async with running(confined) as worker, worker.client("ada") as client:
        ada = Caller(client)
        kept, deleted = (await ada.create("kept"))["id"], (await ada.create("deleted"))["id"]
        assert (await ada.append(kept, "hello")).status_code == 201
        assert (await ada.change(kept, title="renamed")).status_code == 200
        assert (await ada.delete(deleted)).status_code == 204
        assert (await ada.http.post("/api/chat/sessions/batch-delete", json={"ids": [kept]})).json()["count"] == 1
        assert await ada.titles() == []
        async with asyncpg.create_pool(confined.database_url.get_secret_value(), min_size=1, max_size=1) as pool:
            await swept(pool)
        await ada.create("left")
    operator = Operator(confined)
    exported = await operator.succeed("export", "--user", "ada")
    await operator.succeed("import", "--user", "bob", "--new-ids", stdin=exported.stdout)
    await operator.succeed("purge", "--inactive-days", "1")
    assert "erased 1 session" in (await operator.succeed("erase-user", "ada", "--yes")).output


async def test_the_documented_role_can_change_no_table(confined: Settings) -> None:
    connection = await asyncpg.connect(confined.database_url.get_secret_value())
    for statement in (
        'DROP TABLE "Outbox"',
        'ALTER TABLE "ChatSession" DISABLE TRIGGER ALL',
        'TRUNCATE "ChatSession" CASCADE',
        'DELETE FROM "_prisma_migrations"',
        "CREATE TABLE x ()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_the_doctor_finds_no_missing_privilege(confined: Settings) -> None:
    result = await Operator(confined).run("doctor")
    assert re.search(r"ok +privileges +chat_api has all privileges it needs", result.stdout), result.stdout
    assert re.search(r"ok +drift ", result.stdout)


@pytest.mark.parametrize("privilege", NEEDED)
async def test_the_doctor_names_a_missing_privilege_and_its_grant(
    privilege: str, confined: Settings, owner: asyncpg.Connection
) -> None:
    await owner.execute(f"REVOKE {privilege} FROM chat_api")
    try:
        result = await Operator(confined).run("doctor")
    finally:
        await owner.execute(f"GRANT {privilege} TO chat_api")
    assert f'GRANT {privilege} TO "chat_api";' in result.stdout, result.stdout
    assert len(re.findall(r"^wrong +privileges", result.stdout, re.MULTILINE)) == 1
    assert "please report it" not in result.stdout
