"""The service works behind PgBouncer in transaction mode, and the doctor reports what does not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from tests.bouncer import SERVER_CONNECTIONS, PgBouncer
from tests.command import Operator
from tests.databases import LOCK_SESSION, migrated_database
from tests.programs import installed
from tests.service import Caller, new_id, running
from tests.test_doctor import Doctor
from tests.waiting import swept, until

CALLS = 40
# The smallest offset of a time zone: a slow machine is not that late.
TIME_ZONE_MINUTES = 60
STATEMENT_LIMIT = "300ms"


@pytest.fixture(scope="module")
def bouncer(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgBouncer]:
    installed("pgbouncer")
    with PgBouncer(tmp_path_factory.mktemp("pgbouncer"), postgres) as server:
        yield server


@pytest.fixture
async def url(postgres: Postgres) -> str:
    """A separate database, reached directly."""
    return await migrated_database(postgres)


@pytest.fixture
async def direct(url: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool on the same database that bypasses PgBouncer."""
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        yield pool


@pytest.fixture
def pooled(bouncer: PgBouncer, url: str, settings: Settings) -> Settings:
    return settings.model_copy(update={"database_url": SecretStr(f"{bouncer.to(url)}?pgbouncer=true")})


@pytest.fixture
async def ada(pooled: Settings) -> AsyncIterator[Caller]:
    async with running(pooled) as worker, worker.client("ada") as client:
        yield Caller(client)


@pytest.fixture
def doctor(pooled: Settings) -> Doctor:
    return Doctor(Operator(pooled), pooled.database_url.get_secret_value())


async def test_a_session_can_be_created_used_and_deleted(ada: Caller) -> None:
    session_id = (await ada.create("Lisbon", messages=[{"role": "user", "content": "hi"}]))["id"]
    appended = (await ada.append(session_id, "one", "two")).json()["messages"]
    changed = await ada.change(session_id, title="Porto", is_pinned=True)
    opened = await ada.get(session_id)
    listed = await ada.titles(q="port")
    deleted = await ada.delete(session_id, if_match=opened.headers["ETag"])
    assert [each["sequence"] for each in appended] == [1, 2]
    assert changed.status_code == 200
    assert [each["content"] for each in opened.json()["messages"]] == ["hi", "one", "two"]
    assert listed == ["Porto"]
    assert deleted.status_code == 204
    assert (await ada.get(session_id)).status_code == 404
    assert (await ada.http.post("/api/chat/sessions", json={"id": session_id})).status_code == 409


async def test_many_concurrent_transactions_share_few_connections(ada: Caller, direct: asyncpg.Pool) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    doomed = [(await ada.create(str(number)))["id"] for number in range(CALLS)]

    async def delete(each: str) -> list[str]:
        response = await ada.http.post("/api/chat/sessions/batch-delete", json={"ids": [each, new_id()]})
        deleted: list[str] = response.json()["deleted"]
        return deleted

    deletions = asyncio.gather(*map(delete, doomed))
    appends = await asyncio.gather(*(ada.append(session_id, str(number)) for number in range(CALLS)))
    assert await deletions == [[each] for each in doomed]
    sequences = sorted(each.json()["messages"][0]["sequence"] for each in appends)
    assert sequences == list(range(CALLS))
    connections = await direct.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    assert connections - direct.get_size() <= SERVER_CONNECTIONS


async def test_the_outbox_is_drained(ada: Caller, direct: asyncpg.Pool) -> None:
    for number in range(10):
        await ada.create(str(number))
    await swept(direct)


async def test_times_are_in_utc_whatever_the_database_default(pooled: Settings, direct: asyncpg.Pool, url: str) -> None:
    await direct.execute(f"ALTER DATABASE \"{urlsplit(url).path[1:]}\" SET TimeZone = 'Asia/Tokyo'")
    async with running(pooled) as worker, worker.client("ada") as client:
        created = await Caller(client).create("Lisbon")
    age = datetime.now(UTC) - datetime.fromisoformat(created["created_at"])
    assert abs(age.total_seconds()) < TIME_ZONE_MINUTES * 60


async def test_an_endless_statement_times_out(pooled: Settings, ada: Caller, direct: asyncpg.Pool) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    async with (
        running(pooled.model_copy(update={"database_statement_timeout": 1.0})) as worker,
        worker.client("ada") as client,
    ):
        async with direct.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_SESSION, session_id)
            response = await Caller(client).change(session_id, title="Porto")
        assert response.status_code == 503

        async def can_be_read() -> bool:
            return (await Caller(client).get(session_id)).status_code == 200

        await until(can_be_read)


async def test_a_purge_deletes_only_old_sessions(ada: Caller, pooled: Settings, direct: asyncpg.Pool) -> None:
    await ada.create("old")
    await direct.execute("""UPDATE "ChatSession" SET "updatedAt" = now() - interval '100 days'""")
    await ada.create("new")
    await Operator(pooled).succeed("purge", "--inactive-days", "90")
    assert await ada.titles() == ["new"]


async def test_migrations_require_a_direct_connection(pooled: Settings, url: str) -> None:
    operator = Operator(pooled)
    refused = await operator.fail("migrate")
    assert "chat-sessions migrate --database-url" in refused.output
    await operator.succeed("migrate", "--database-url", url)


async def test_the_doctor_reports_pgbouncer_that_is_not_configured(
    bouncer: PgBouncer, pooled: Settings, url: str
) -> None:
    findings = await Doctor(Operator(pooled), bouncer.to(url)).find()
    assert "Add `pgbouncer=true` to CHAT_DATABASE_URL" in findings["wrong", "postgres"]


async def test_the_doctor_reports_a_missing_statement_timeout_until_the_role_has_one(
    doctor: Doctor, direct: asyncpg.Pool, url: str, bouncer: PgBouncer
) -> None:
    before = await doctor.find()
    name = urlsplit(url).path[1:]
    await direct.execute(
        f"""ALTER DATABASE "{name}" SET statement_timeout = '{STATEMENT_LIMIT}';
            ALTER DATABASE "{name}" SET idle_in_transaction_session_timeout = '10s'"""
    )
    # Connections opened earlier keep the settings of that time.
    bouncer.restart()
    after = await doctor.find()
    assert "statement_timeout" in before["warning", "statements"]
    assert "idle_in_transaction_session_timeout" in before["warning", "transactions"]
    assert not [state for state, _ in after if state in {"warning", "wrong"}]


async def test_an_isolation_level_that_revives_sessions_is_reported_and_not_ready(
    pooled: Settings, doctor: Doctor, direct: asyncpg.Pool, url: str, bouncer: PgBouncer
) -> None:
    await direct.execute(
        f"ALTER DATABASE \"{urlsplit(url).path[1:]}\" SET default_transaction_isolation = 'repeatable read'"
    )
    bouncer.restart()
    findings = await doctor.find()
    async with running(pooled, ready=False) as worker:
        ready = await worker.readiness()
    assert "SET default_transaction_isolation = 'read committed'" in findings["wrong", "isolation"]
    assert "needs default_transaction_isolation = 'read committed'" in ready
