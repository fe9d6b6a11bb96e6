"""The command line, run as a process."""

import asyncio
import json
import signal
import socket
import tempfile
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import jwt
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from chat_sessions.dev.embedded.machine import free_port
from chat_sessions.settings import ConfigurationError, Settings, load_settings
from chat_sessions.settings.environment import unknown_variables
from tests.command import Operator, environment
from tests.databases import LOCK_SESSION
from tests.process import START_SECONDS
from tests.provider import Provider
from tests.service import Caller, Service, token
from tests.shell import WORKER, children, family, finished, has_ended, started
from tests.waiting import a_statement_waits, until

ROOT = Path(__file__).parents[1]
COMMANDS = {"serve", "migrate", "token", "openapi", "doctor", "purge", "erase-user", "export", "import"}

# The timeouts outlast the request that the test holds.
PATIENT = {"CHAT_DATABASE_STATEMENT_TIMEOUT": "60", "CHAT_DATABASE_QUERY_TIMEOUT": "90", "CHAT_LOG_LEVEL": "error"}


@pytest.fixture
def operator(settings: Settings) -> Operator:
    return Operator(settings)


@asynccontextmanager
async def client_of(port: int) -> AsyncIterator[Caller]:
    headers = {"Authorization": f"Bearer {token()}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
        yield Caller(client)


async def serves(caller: Caller) -> bool:
    try:
        return (await caller.http.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_running_request_finishes_before_the_service_exits_with_0(
    workers: str, settings: Settings, database: asyncpg.Pool
) -> None:
    port = free_port()
    arguments = ("serve", "--port", str(port), "--workers", workers)
    async with client_of(port) as ada:
        with started(*arguments, env=environment(settings) | PATIENT) as process:
            await until(lambda: serves(ada), START_SECONDS)
            session = await ada.create("before")
            members = family(process.pid)
            async with database.acquire() as other, other.transaction():
                # The request waits for this lock.
                await other.execute(LOCK_SESSION, session["id"])
                running = asyncio.create_task(ada.change(session["id"], title="after"))
                await until(lambda: a_statement_waits(database))
                process.send_signal(signal.SIGTERM)
                await until(lambda: is_shutting_down(port, members))
                assert not running.done()
            assert (await running).json()["title"] == "after"
            assert await asyncio.to_thread(process.wait, 30) == 0
            await until(lambda: all_ended(members))


async def all_ended(members: list[psutil.Process]) -> bool:
    return all(has_ended(each) for each in members)


async def is_shutting_down(port: int, members: list[psutil.Process]) -> bool:
    """Return whether it accepts no more connections, or an idle worker has already exited."""
    if any(has_ended(each) for each in members):
        return True
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


def test_without_configuration_every_missing_variable_is_named() -> None:
    done = finished("serve", env={})
    assert done.returncode == 1
    assert "CHAT_DATABASE_URL: " in done.stderr
    assert "CHAT_REDIS_URL: " in done.stderr
    done = finished("serve", env={"CHAT_DATABASE_URL": "postgresql://", "CHAT_REDIS_URL": "redis://"})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


async def test_all_configuration_errors_are_reported_at_once(operator: Operator) -> None:
    result = await operator.fail(
        "serve",
        CHAT_DATABASE_URL=None,
        CHAT_DATABSE_URL="postgresql://",
        CHAT_REDIS_URL="",
        CHAT_JWT_SECRET=None,
        CHAT_PORT="http",
        CHAT_WORKERS="0",
    )
    assert result.stderr.splitlines()[1:] == [
        "CHAT_PORT: Input should be a valid integer, unable to parse string as an integer",
        "CHAT_WORKERS: Input should be greater than 0",
        "CHAT_DATABASE_URL: is required",
        "CHAT_REDIS_URL: is required",
        "CHAT_JWKS_URL: set this, CHAT_JWT_SECRET (HS256) or both",
        "CHAT_DATABSE_URL: no such setting; did you mean CHAT_DATABASE_URL?",
    ]


@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({}, 8000),
        ({"PORT": "9001"}, 9001),
        ({"PORT": ""}, 8000),
        ({"PORT": "9001", "CHAT_PORT": "9002"}, 9002),
        ({"PORT": "9001", "CHAT_PORT": ""}, 9001),
        ({"CHAT_PORT": "tcp://10.0.0.1:80"}, 8000),
        ({"PORT": "9001", "CHAT_PORT": "tcp://10.0.0.1:80"}, 9001),
    ],
    ids=str,
)
def test_the_services_port_overrides_the_platforms_port(
    given: dict[str, str], port: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PORT": "", **environment(settings), **given}.items():
        monkeypatch.setenv(name, value)
    assert load_settings().port == port


def test_an_error_in_the_platforms_port_names_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "65536")
    with pytest.raises(ConfigurationError, match=r"^PORT: Input should be less than or equal to 65535$"):
        load_settings({"database_url": "postgresql://", "redis_url": "redis://", "jwt_secret": "x" * 32})


async def test_the_environment_alone_sets_the_address_and_the_worker_count(settings: Settings) -> None:
    port = free_port()
    where = {"CHAT_HOST": "127.0.0.2", "PORT": str(port), "CHAT_WORKERS": "2", "CHAT_REDIS_ULR": "", "CHAT_TEST_X": ""}
    with (
        tempfile.TemporaryFile("w+") as output,
        started("serve", env=environment(settings) | where, output=output) as process,
    ):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.2:{port}") as client:
            await until(lambda: serves(Caller(client)), START_SECONDS)
        await until(lambda: has_workers(process.pid, 2), START_SECONDS)
        output.seek(0)
        lines = [json.loads(line) for line in output]
    unknown = [line for line in lines if line["event"] == "settings.unknown_variable"]
    assert [(line["variable"], line["did_you_mean"]) for line in unknown] == [("CHAT_REDIS_ULR", "CHAT_REDIS_URL")]


async def has_workers(pid: int, count: int) -> bool:
    return len(children(WORKER, pid)) == count


@pytest.mark.parametrize(
    "name",
    [
        "CHAT_SERVICE_HOST",
        "CHAT_SERVICE_PORT",
        "CHAT_SERVICE_PORT_HTTP",
        "CHAT_PORT_80_TCP_ADDR",
        "CHAT_SESSIONS_SERVICE_HOST",
        "CHAT_SESSIONS_PORT",
        "CHAT_TEST_DATABASE",
    ],
)
def test_variables_of_kubernetes_and_tests_are_not_reported_as_misspelt(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "tcp://10.0.0.1:80")
    assert name not in dict(unknown_variables(Settings.model_fields))


def test_the_command_and_the_document_show_the_version_of_the_package() -> None:
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert finished("--version", env={}).stdout == f"{stated}\n"
    assert json.loads(finished("openapi", env={}).stdout)["info"]["version"] == stated


async def test_a_port_in_use_is_reported(operator: Operator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = await operator.fail("serve", "--port", str(port))
    assert result.stderr == (
        f"Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another --port or --host.\n"
    )
    result = await operator.fail("serve", "--host", "nowhere.invalid")
    assert "Cannot listen on nowhere.invalid:8000" in result.stderr


async def test_a_token_authenticates_its_user(operator: Operator, service: Service, bob: Caller) -> None:
    await bob.create("bob's")
    minted = (await operator.succeed("token", "--user", "bob")).stdout.strip()
    async with service.client(None, Authorization=f"Bearer {minted}") as client:
        assert await Caller(client).titles() == ["bob's"]


async def test_a_token_has_the_first_of_several_audiences_and_issuers(operator: Operator) -> None:
    several = {"CHAT_JWT_AUDIENCE": "web, mobile", "CHAT_JWT_ISSUER": "one,two"}
    minted = (await operator.succeed("token", "--user", "bob", **several)).stdout.strip()
    claims = jwt.decode(minted, options={"verify_signature": False})
    assert (claims["aud"], claims["iss"]) == ("web", "one")
    await operator.succeed("token", "--check", minted, **several)


async def test_a_token_needs_a_user_and_a_secret(operator: Operator) -> None:
    for arguments, missing in ((["token"], "--user"), (["token", "--user", "ada"], "--secret")):
        result = await operator.run(*arguments, CHAT_JWT_SECRET=None)
        assert result.exit_code == 2
        assert missing in result.stderr


async def test_a_token_is_not_minted_with_a_secret_that_the_service_rejects(operator: Operator) -> None:
    result = await operator.run("token", "--user", "ada", "--secret", "x")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "must have at least 32 bytes" in plain(result.stderr)


@pytest.mark.parametrize("user", ["", "x" * 256, "nul\0", "\ud800"], ids=["empty", "long", "NUL", "not Unicode"])
@pytest.mark.parametrize(
    "command", [["token", "--user"], ["export", "--user"], ["import", "--user"], ["erase-user", "--yes"]], ids=" ".join
)
async def test_a_user_whom_no_token_can_name_is_rejected(command: list[str], user: str, operator: Operator) -> None:
    result = await operator.run(*command, user)
    assert result.exit_code == 2
    assert "a user has 1 to 255 characters" in plain(result.stderr)


REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": 0}, "Rejected: it expired at 1970-01-01T00:00:00Z."),
    "audience": ({"aud": "other", "iss": "id"}, "Rejected: its aud is not in CHAT_JWT_AUDIENCE."),
    "issuer": ({"aud": "chat", "iss": "other"}, "Rejected: its iss is not in CHAT_JWT_ISSUER."),
    "secret": ({"secret": "another secret, which is long enough"}, "Rejected: its signature does not match the key."),
    "algorithm": ({"secret": "x" * 64, "algorithm": "HS512"}, "Rejected: its algorithm is not HS256."),
}


@pytest.mark.parametrize("case", REJECTED)
async def test_a_check_of_a_rejected_token_shows_the_reason_its_claims_and_what_is_expected(
    case: str, operator: Operator
) -> None:
    claims, reason = REJECTED[case]
    result = await operator.fail(
        "token", "--check", token(**claims), CHAT_JWT_AUDIENCE="chat", CHAT_JWT_ISSUER="id", CHAT_DATABASE_URL=None
    )
    first, contents, expected = result.stderr.splitlines()
    assert first == reason
    assert f'claims {{"sub": "ada", "exp": {claims.get("exp", "")}' in contents
    assert expected == "Expected: signed with HS256 by CHAT_JWT_SECRET, aud chat, iss id; with exp and sub."


@pytest.mark.parametrize("given", ["", "no token", "a.b.c", "[]"])
async def test_a_check_of_a_malformed_token_says_so(given: str, operator: Operator) -> None:
    result = await operator.fail("token", "--check", given)
    assert "Rejected: it is malformed." in result.stderr
    assert "Cannot decode it" in result.stderr


async def test_a_check_of_a_valid_token_shows_its_user_and_expiry(operator: Operator) -> None:
    given = token(exp=4_000_000_000)
    for argument, stdin in ((given, None), ("-", given)):
        result = await operator.succeed("token", "--check", argument, stdin=stdin)
        assert result.stdout == "Accepted for user ada until 2096-10-02T07:06:50Z, leeway included.\n"


async def test_a_check_of_a_token_that_never_expires_shows_the_last_moment_of_the_calendar(operator: Operator) -> None:
    result = await operator.succeed("token", "--check", token(exp=10**14))
    assert result.stdout == "Accepted for user ada until 9999-12-31T23:59:59Z, leeway included.\n"


async def test_a_check_fetches_published_keys_as_the_service_does(operator: Operator) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with closing(Provider()) as provider:
        provider.document = {"keys": [{**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "e"}]}
        env = {"CHAT_JWT_SECRET": None, "CHAT_JWKS_URL": provider.url}
        given = {kid: jwt.encode({"sub": "ada", "exp": 4e9}, key, "ES256", headers={"kid": kid}) for kid in "eu"}
        await operator.succeed("token", "--check", given["e"], **env)
        unknown = await operator.fail("token", "--check", given["u"], **env)
        provider.status = 500
        away = await operator.fail("token", "--check", given["e"], **env)
    assert "Rejected: its kid names no published key for its algorithm." in unknown.stderr
    assert "by the keys at CHAT_JWKS_URL" in unknown.stderr
    assert "The identity provider's keys are unavailable" in away.stderr


async def test_migrate_reports_that_the_database_is_away(operator: Operator) -> None:
    result = await operator.fail("migrate", CHAT_DATABASE_URL=f"postgresql://127.0.0.1:{free_port()}/x")
    assert "Postgres cannot be reached" in result.stderr


@pytest.mark.parametrize("url", ["", "mysql://x"], ids=["empty", "MySQL"])
async def test_migrate_rejects_the_url_of_another_database(url: str, operator: Operator) -> None:
    result = await operator.fail("migrate", "--database-url", url)
    assert result.stderr == "The database URL is invalid: must start with postgresql:// or postgres://.\n"


async def test_an_unmigrated_database_is_reported(
    operator: Operator, settings: Settings, database: asyncpg.Pool
) -> None:
    await database.execute("DROP DATABASE IF EXISTS not_migrated")
    await database.execute("CREATE DATABASE not_migrated")
    url = settings.database_url.get_secret_value().rpartition("/")[0] + "/not_migrated"
    for command in (["purge", "--inactive-days", "9"], ["export", "--user", "ada"]):
        result = await operator.fail(*command, CHAT_DATABASE_URL=url)
        assert "run `chat-sessions migrate`" in result.stderr


def plain(printed: str) -> str:
    """Return a framed message on one line."""
    return " ".join(printed.replace("│", " ").split())


def test_the_help_of_import_shows_its_default_once() -> None:
    shown = finished("import", "--help", env={"COLUMNS": "300"}).stdout
    assert "An export. Default: stdin. " in shown
    assert "[default: -]" not in shown


def test_python_m_chat_sessions_is_the_same_command_and_describes_each_subcommand() -> None:
    done = finished("--help", env={"COLUMNS": "300"})
    assert done.returncode == 0
    listed = {line.split()[1]: line.split()[2:-1] for line in done.stdout.splitlines() if len(line.split()) > 3}
    assert listed.keys() > COMMANDS
    assert [each for each in COMMANDS if not listed[each]] == []
