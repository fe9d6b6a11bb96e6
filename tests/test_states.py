"""Postgres responds with an error: the client gets a 503 that it can retry, and the operator a reason."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
import structlog
from pydantic import SecretStr

from chat_sessions.dev.embedded import Postgres
from chat_sessions.errors import DatabaseUnavailable, MigrationFailed
from chat_sessions.settings import ConfigurationError, Settings
from chat_sessions.store.migrations import migrate_deploy
from chat_sessions.telemetry.availability import Availability
from tests import citus
from tests.databases import migrated_database, on_each_node
from tests.logged import logged
from tests.service import Caller, Service, running
from tests.waiting import until

REFUSALS = ["08006", "25006", "42501", "53100", "53200", "53400", "57014", "57P01", "58000", "58030", "42P01"]
UNDONE = ["40001", "40P01", "55P03", "0A000", "26000", "42P05"]
ATTEMPTS = 3

Counter = Callable[[], Awaitable[int]]


@asynccontextmanager
async def refusing(database: asyncpg.Pool, state: str, times: int = 1000) -> AsyncIterator[Counter]:
    """Make Postgres reject the next session writes with an SQLSTATE; yields a counter of the attempts."""
    # One by one, as Citus requires. There, triggers run on the nodes of the shards.
    await on_each_node(database, "CREATE SEQUENCE attempts START 0 MINVALUE 0")
    await database.execute(
        f"""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('attempts') < {times} THEN
                    RAISE EXCEPTION 'secret words' USING ERRCODE = '{state}';
                END IF;
                RETURN NULL;
            END $$"""
    )
    await database.execute(
        """CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON "ChatSession"
            FOR EACH STATEMENT EXECUTE FUNCTION refuse()"""
    )
    try:
        yield lambda: attempts(database)
    finally:
        await database.execute('DROP TRIGGER refuse ON "ChatSession"')
        await database.execute("DROP FUNCTION refuse")
        await on_each_node(database, "DROP SEQUENCE attempts")


async def attempts(database: asyncpg.Pool) -> int:
    found = await on_each_node(database, "SELECT last_value + is_called::int FROM attempts")
    return sum(map(int, found))


def writes(ada: Caller, session_id: str) -> dict[str, Callable[[], "asyncio.Future[httpx.Response]"]]:
    """Each kind of write: Prisma's own statement, ours, and a transaction."""
    batch = "/api/chat/sessions/batch-delete"
    calls = {
        "create": lambda: ada.http.post("/api/chat/sessions", json={}),
        "rename": lambda: ada.change(session_id, title="Porto"),
        "append": lambda: ada.append(session_id, "hi"),
        "delete": lambda: ada.delete(session_id),
        "batch-delete": lambda: ada.http.post(batch, json={"ids": [session_id]}),
    }
    return {name: lambda call=call: asyncio.ensure_future(call()) for name, call in calls.items()}  # type: ignore[misc]


@pytest.mark.parametrize("state", REFUSALS)
async def test_a_rejected_write_is_503_and_is_not_retried(ada: Caller, database: asyncpg.Pool, state: str) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    calls = writes(ada, session_id)
    async with refusing(database, state) as count:
        responses = [await call() for call in calls.values()]
        assert await count() == len(calls)
    assert [each.status_code for each in responses] == [503] * len(calls)
    assert {each.headers["Retry-After"] for each in responses} == {"1"}
    assert {each.json()["detail"] for each in responses} == {"Database unavailable. Try again."}
    assert (await ada.get(session_id)).json()["title"] == "Lisbon"


@pytest.mark.parametrize("state", UNDONE)
@pytest.mark.parametrize("write", ["create", "rename", "append", "delete", "batch-delete"])
async def test_a_write_that_postgres_rolled_back_is_retried(
    ada: Caller, database: asyncpg.Pool, state: str, write: str
) -> None:
    call = writes(ada, (await ada.create("Lisbon"))["id"])[write]
    async with refusing(database, state, times=ATTEMPTS - 1):
        assert (await call()).is_success


@pytest.mark.parametrize("state", UNDONE)
async def test_a_write_that_postgres_rolls_back_every_time_fails(
    ada: Caller, database: asyncpg.Pool, state: str
) -> None:
    calls = writes(ada, (await ada.create("Lisbon"))["id"])
    async with refusing(database, state):
        responses = {name: await call() for name, call in calls.items()}
    assert {name: response.status_code for name, response in responses.items()} == {
        "create": 503, "rename": 503, "append": 503, "delete": 503, "batch-delete": 409,
    }  # fmt: skip
    assert {response.headers["Retry-After"] for response in responses.values()} == {"1"}


async def test_a_column_type_may_change_under_a_running_worker(ada: Caller, database: asyncpg.Pool) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    try:
        for kind in ("varchar(300)", "text"):
            await asyncio.gather(*(ada.append(session_id, "warm") for _ in range(10)))
            await database.execute(f'ALTER TABLE "ChatMessage" ALTER COLUMN "id" TYPE {kind}')
            appended = await asyncio.gather(*(ada.append(session_id, kind) for _ in range(10)))
            created = await asyncio.gather(*(ada.http.post("/api/chat/sessions", json={}) for _ in range(10)))
            assert {each.status_code for each in [*appended, *created]} == {201}
    finally:
        await database.execute('ALTER TABLE "ChatMessage" ALTER COLUMN "id" TYPE text')


class Fragile:
    """A worker on its own database."""

    def __init__(self, worker: Service, http: httpx.AsyncClient) -> None:
        self.worker = worker
        self.ada = Caller(http)

    async def reason(self) -> str:
        response = await self.ada.http.get("/readyz")
        assert response.status_code == 503
        assert response.headers["Content-Type"] == "application/problem+json"
        return str(response.json()["detail"])

    async def is_ready(self) -> bool:
        return (await self.ada.http.get("/readyz")).status_code == 200


@asynccontextmanager
async def fragile(settings: Settings, url: str) -> AsyncIterator[Fragile]:
    changed = settings.model_copy(update={"database_url": SecretStr(url)})
    async with running(changed, ready=False) as worker, worker.client("ada") as http:
        yield Fragile(worker, http)


@pytest.fixture
async def empty_url(postgres: Postgres, database: asyncpg.Pool) -> AsyncIterator[str]:
    name = f"empty_{uuid4().hex[:8]}"
    await database.execute(f'CREATE DATABASE "{name}"')
    yield urlsplit(postgres.url)._replace(path=f"/{name}").geturl()
    await database.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def test_an_unmigrated_database_is_not_ready_until_migrated(settings: Settings, empty_url: str) -> None:
    async with fragile(settings, empty_url) as service:
        assert await service.reason() == "The database is not migrated: run `chat-sessions migrate`."
        responses = [await service.ada.page(), await service.ada.http.post("/api/chat/sessions", json={})]
        assert [each.status_code for each in responses] == [503, 503]
        await asyncio.to_thread(migrate_deploy, empty_url)
        assert await service.is_ready()
        await service.ada.create("Lisbon")


async def test_a_database_that_lacks_a_migration_is_not_ready(settings: Settings, postgres: Postgres) -> None:
    url = await migrated_database(postgres)
    connection = await asyncpg.connect(url)
    await connection.execute('UPDATE "_prisma_migrations" SET "finished_at" = NULL')
    await connection.close()
    async with fragile(settings, url) as service:
        reason = await service.reason()
    assert reason.startswith("The database lacks 2026")
    assert reason.endswith(": run `chat-sessions migrate`.")


async def test_a_missing_privilege_is_named(settings: Settings, postgres: Postgres) -> None:
    url = await migrated_database(postgres)
    role = f"poor_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(url)
    await connection.execute(
        f"""CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON "_prisma_migrations" TO {role};
            GRANT SELECT, INSERT, UPDATE, DELETE ON "ChatSession", "ChatMessage", "Tombstone" TO {role};
            GRANT SELECT, INSERT, UPDATE, DELETE ON "WebhookReceiver", "WebhookDelivery" TO {role};
            GRANT USAGE ON "WebhookDelivery_id_seq" TO {role};
            GRANT SELECT, INSERT, DELETE ON "Outbox" TO {role}"""
    )
    host = urlsplit(url).netloc.rpartition("@")[2]
    async with fragile(settings, urlsplit(url)._replace(netloc=f"{role}:x@{host}").geturl()) as service:
        assert await service.reason() == (
            'The database user lacks privileges: UPDATE on "Outbox", USAGE on sequence "Outbox_id_seq".'
        )
        await connection.execute(f'GRANT UPDATE ON "Outbox" TO {role}; GRANT USAGE ON "Outbox_id_seq" TO {role}')
        assert await service.is_ready()
        session_id = (await service.ada.create("Lisbon"))["id"]
        assert (await service.ada.append(session_id, "hi")).status_code == 201
        assert (await service.ada.delete(session_id)).status_code == 204
    await connection.close()


async def test_a_read_only_database_is_not_ready(settings: Settings, postgres: Postgres) -> None:
    url = await migrated_database(postgres)
    connection = await asyncpg.connect(url)
    await connection.execute(f"ALTER DATABASE {urlsplit(url).path[1:]} SET default_transaction_read_only = on")
    async with fragile(settings, url) as service:
        assert await service.reason() == "Postgres accepts no writes: default_transaction_read_only is on."
        assert (await service.ada.http.post("/api/chat/sessions", json={})).status_code == 503
    await connection.close()


on_one_server = pytest.mark.skipif(
    citus.URL is not None, reason="a test cluster may trust every user, and Citus makes its nodes accept TLS"
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            lambda url: url._replace(netloc="postgres:wrong@" + url.netloc.rpartition("@")[2]),
            "Postgres rejects the service: check user and password in CHAT_DATABASE_URL, and pg_hba.conf.",
            marks=on_one_server,
        ),
        (lambda url: url._replace(path="/no_such"), "The database that CHAT_DATABASE_URL names does not exist."),
        (
            lambda url: url._replace(query="sslmode=verify-ca&sslrootcert=/no/such/ca.pem"),
            "CHAT_DATABASE_URL cannot be used: it is malformed, or names a file that cannot be read.",
        ),
        pytest.param(
            lambda url: url._replace(query="sslmode=require"),
            "The TLS connection to Postgres failed: check sslmode and the certificates in CHAT_DATABASE_URL.",
            marks=on_one_server,
        ),
        (lambda url: url._replace(netloc="u:p@127.0.0.1:1"), "Postgres cannot be reached."),
    ],
    ids=["password", "database", "CA file", "TLS", "port"],
)
async def test_an_error_in_the_url_is_reported(
    settings: Settings, postgres: Postgres, change: Callable[[object], object], reason: str
) -> None:
    url = change(urlsplit(postgres.url)).geturl()  # type: ignore[attr-defined]
    async with fragile(settings, url) as service:
        assert await service.reason() == reason
        assert (await service.ada.page()).status_code == 503


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
async def narrow_url(
    request: pytest.FixtureRequest, postgres: Postgres, database: asyncpg.Pool
) -> AsyncIterator[tuple[str, str]]:
    name = f"narrow_{uuid4().hex[:8]}"
    await database.execute(
        f"CREATE DATABASE {name} ENCODING '{request.param}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    yield request.param, urlsplit(postgres.url)._replace(path=f"/{name}").geturl()
    await database.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_database_in_another_encoding_is_rejected(settings: Settings, narrow_url: tuple[str, str]) -> None:
    encoding, url = narrow_url
    with pytest.raises(MigrationFailed, match=f"The encoding of this database is {encoding}, and must be UTF8"):
        await asyncio.to_thread(migrate_deploy, url)
    with pytest.raises(ConfigurationError, match=f"The encoding of the database is {encoding} and must be UTF8"):
        async with fragile(settings, url):
            pass


async def test_an_outage_is_logged_once_however_many_calls_fail(settings: Settings, empty_url: str) -> None:
    with logged("database.") as lines:
        async with fragile(settings, empty_url) as service:
            for _ in range(5):
                await asyncio.gather(service.ada.page(), service.reason())
            await asyncio.to_thread(migrate_deploy, empty_url)
            await until(service.ada.is_fully_ready)
    assert [(line["event"], line["reason"]) for line in lines] == [
        ("database.unavailable", "The database is not migrated: run `chat-sessions migrate`.")
    ]


def lines_of_an_outage(monkeypatch: pytest.MonkeyPatch, quiet: float) -> list[tuple[str, str | None]]:
    """Return the log of an outage with two reasons, a success in between, and another failure."""
    logger = structlog.testing.CapturingLogger()
    monkeypatch.setattr("chat_sessions.telemetry.availability.log", logger)
    availability = Availability(quiet)
    availability.succeeded()
    for reason in ("a", "b", "a"):
        availability.failed(DatabaseUnavailable(reason))
    availability.succeeded()
    availability.failed(DatabaseUnavailable("a"))
    return [(call.args[0], call.kwargs.get("reason")) for call in logger.calls]


def test_the_end_of_an_outage_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    lost, back = "database.unavailable", "database.available"
    assert lines_of_an_outage(monkeypatch, quiet=0) == [(lost, "a"), (lost, "b"), (back, None), (lost, "a")]


def test_a_success_among_failures_does_not_end_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = "database.unavailable"
    assert lines_of_an_outage(monkeypatch, quiet=60) == [(lost, "a"), (lost, "b")]
