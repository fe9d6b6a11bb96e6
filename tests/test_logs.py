"""The log of a real process has one format, and no secrets or user data."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from chat_sessions.dev.embedded import Postgres, Redis
from chat_sessions.errors import Unavailable
from chat_sessions.settings import Settings
from chat_sessions.telemetry.pseudonyms import pseudonyms
from chat_sessions.version import VERSION
from chat_sessions.web.auth.key_set import KeySet
from tests.databases import migrated_database
from tests.logged import logged
from tests.process import ServiceProcess, environment, serving
from tests.provider import Provider
from tests.service import Caller, token
from tests.world import IMPATIENT

USER = "canary.user@example.org"
CANARIES = {
    "title": "Canary-title",
    "message": "Canary-message",
    "metadata": "Canary-metadata",
    "search": "Canary-search",
    "path": "Canary-path",
    "field": "Canary-field",
    "user": USER,
    "user in a key": "canary.user%40example.org",
    "token": urlsafe_b64encode(f'{{"sub":"{USER}'.encode())[:20].decode(),
    "bad token": "Canary-token",
    "signing secret": "Canary-secret-that-is-long-enough-for-HS256",
}
SESSIONS = "/api/chat/sessions"
# As in clients and triggers: everything in the error's text is private.
BUG = """
CREATE FUNCTION bug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a bug with % and %', NEW."title", NEW."userId"; END $$;
CREATE TRIGGER bug BEFORE INSERT ON "ChatSession" FOR EACH ROW EXECUTE FUNCTION bug();
"""


@dataclass
class Run:
    """The output of a process, and the secrets that it used."""

    output: str
    canaries: Mapping[str, str]

    @property
    def lines(self) -> Sequence[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]

    def events(self, event: str) -> Sequence[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture(scope="module")
def doomed_servers() -> Iterator[tuple[Postgres, Redis]]:
    with (
        tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder,
        Postgres(Path(folder, "postgres"), durable=False) as postgres,
        Redis(Path(folder, "redis"), durable=False) as redis,
    ):
        yield postgres, redis


@pytest.fixture(scope="module")
async def run(
    doomed_servers: tuple[Postgres, Redis], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Everything that can happen to a service, at the lowest log level."""
    postgres, redis = doomed_servers
    folder = tmp_path_factory.mktemp("run")
    given = await with_secrets(postgres, redis, settings)
    (folder / "loud.cjs").write_text("if (process.argv[1]?.endsWith('host.mjs')) console.error('output of the engine')")
    output = folder / "log"
    with output.open("wb") as written:
        async with serving(given, output=written, NODE_OPTIONS=f"--require={folder / 'loud.cjs'}") as process:
            await everything(process, postgres, redis, given)
            assert await process.terminated() == 0
    passwords = {f"password of {each.name}": str(urlsplit(each.url).password) for each in (postgres, redis)}
    return Run(output.read_text(), {**CANARIES, **passwords})


async def with_secrets(postgres: Postgres, redis: Redis, settings: Settings) -> Settings:
    changes = {
        "database_url": SecretStr(await migrated_database(postgres)),
        "redis_url": SecretStr(redis.url),
        "jwt_secret": SecretStr(CANARIES["signing secret"]),
        "log_level": "debug",
        **IMPATIENT,
    }
    return settings.model_copy(update=changes)


async def everything(process: ServiceProcess, postgres: Postgres, redis: Redis, settings: Settings) -> None:
    headers = {"Authorization": f"Bearer {token(USER, secret=CANARIES['signing secret'])}"}
    async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=30) as client:
        canary = Caller(client)
        session_id = await every_kind_of_request(canary)
        await wrong_requests(canary, process.url)
        await break_the_schema(settings)
        assert (await client.post(SESSIONS, json={"title": CANARIES["title"]})).status_code == 500
        redis.kill()
        await some_requests(canary, session_id)
        postgres.stop()
        await some_requests(canary, session_id)
        assert (await canary.change(session_id, title=CANARIES["title"])).status_code == 503


async def every_kind_of_request(canary: Caller) -> str:
    message = {"role": "user", "content": CANARIES["message"], "metadata": {"a": CANARIES["metadata"]}}
    session_id: str = (
        await canary.create(CANARIES["title"], metadata={"a": CANARIES["metadata"]}, messages=[message])
    )["id"]
    await canary.append(session_id, CANARIES["message"], metadata={"a": CANARIES["metadata"]})
    async with canary.http.stream("GET", f"{SESSIONS}/events") as events:
        await anext(events.aiter_lines())
    await some_requests(canary, session_id)
    await canary.http.post(f"{SESSIONS}/batch-delete", json={"filter": {"q": CANARIES["search"]}})
    await canary.delete((await canary.create(CANARIES["title"]))["id"])
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        await canary.http.get(path)
    return session_id


async def some_requests(canary: Caller, session_id: str) -> None:
    for _ in range(2):
        await canary.get(session_id)
        await canary.page()
    await canary.page(q=CANARIES["search"])
    await canary.append(session_id, CANARIES["message"])
    await canary.change(session_id, title=CANARIES["title"])


async def wrong_requests(canary: Caller, url: str) -> None:
    http = canary.http
    await http.get(f"/{CANARIES['path']}", params={"q": CANARIES["search"]})
    await canary.get(CANARIES["path"])
    await http.request(CANARIES["field"].upper(), SESSIONS)
    await http.request("TRACE", SESSIONS)
    await http.put(SESSIONS, json={"title": CANARIES["title"]})
    await http.post(SESSIONS, json={CANARIES["field"]: CANARIES["title"], "title": [CANARIES["title"]]})
    await http.post(SESSIONS, content=f'{{"title": "{CANARIES["title"]}"', headers={"Content-Type": "application/json"})
    await http.post(SESSIONS, content=CANARIES["title"].encode() * 400_000)
    await http.get(SESSIONS, headers={"Authorization": f"Bearer {CANARIES['bad token']}"})
    await http.get(SESSIONS, headers={"Authorization": f"Bearer {token(USER)}"})
    await http.get(SESSIONS, params={"cursor": CANARIES["search"]})
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"{CANARIES['title']} no HTTP {CANARIES['bad token']}\r\n\r\n".encode())
    with suppress(OSError):
        await reader.read()
    writer.close()


async def break_the_schema(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute(BUG)
    await connection.close()


async def test_each_line_is_json_with_event_level_and_time(run: Run) -> None:
    assert [line for line in run.lines if not {"event", "level", "timestamp"} <= set(line)] == []


@pytest.mark.parametrize("canary", [*CANARIES, "password of Postgres", "password of Redis"])
async def test_no_secret_is_logged(run: Run, canary: str) -> None:
    assert len(run.canaries[canary]) > len("None")
    assert [line for line in run.output.splitlines() if run.canaries[canary] in line] == []


async def test_each_kind_of_request_has_its_line(run: Run, settings: Settings) -> None:
    lines = run.events("request")
    seen = {(line["method"], line["route"], line["status"]) for line in lines}
    session = f"{SESSIONS}/{{session_id}}"
    assert seen >= {
        *(("GET", path, 200) for path in (SESSIONS, session, f"{SESSIONS}/events", "/healthz", "/readyz", "/metrics")),
        *(("POST", SESSIONS, status) for status in (201, 422, 500)),
        *(("POST", f"{session}/messages", status) for status in (201, 503)),
        *(("PATCH", session, status) for status in (200, 503)),
        *(("GET", SESSIONS, status) for status in (401, 422, 503)),
        ("POST", f"{SESSIONS}/batch-delete", 200),
        ("DELETE", session, 204),
        ("GET", session, 404),
        ("GET", "unmatched", 404),
        ("POST", "unmatched", 413),
    }
    assert {"OTHER"} == {line["method"] for line in lines} - {"GET", "POST", "PATCH", "DELETE", "PUT"}
    assert all(line["request_id"] and line["ms"] >= 0 for line in lines)
    assert {line["user"] for line in lines} == {None, pseudonyms(settings.log_user_key)(USER)}


async def test_probes_and_scrapes_are_logged_at_debug_and_all_other_requests_at_info(run: Run) -> None:
    levels = {(line["route"] in {"/healthz", "/readyz", "/metrics"}, line["level"]) for line in run.events("request")}
    assert levels == {(True, "debug"), (False, "info")}


async def test_the_key_of_the_pseudonyms_is_not_logged(run: Run, settings: Settings) -> None:
    assert settings.log_user_key.get_secret_value() not in run.output


async def test_a_bug_is_logged_with_its_location_and_its_request(run: Run) -> None:
    (failed,) = run.events("request.failed")
    (line,) = [line for line in run.events("request") if line["status"] == 500]
    assert (failed["route"], failed["request_id"]) == (SESSIONS, line["request_id"])
    innermost = failed["exception"][0]
    assert innermost["exc_type"].endswith("Error")
    assert any(frame["filename"].endswith("/session_store.py") for frame in innermost["frames"])


async def test_the_loss_of_each_server_is_logged(run: Run) -> None:
    assert {"cache.lost", "database.unavailable"} <= {line["event"] for line in run.lines}


async def test_start_and_stop_have_one_line_each(run: Run) -> None:
    (started,) = run.events("service.started")
    (stopped,) = run.events("service.stopped")
    assert (started["version"], stopped["version"]) == (VERSION, VERSION)
    assert started["settings"]["cache_ttl"] == 300
    assert started["settings"]["redis_url"].startswith("redis://127.0.0.1:")
    assert stopped["uptime_seconds"] > 0


async def test_the_line_of_the_start_shows_the_port_of_the_command_line(run: Run) -> None:
    (started,) = run.events("service.started")
    assert f"Uvicorn running on http://127.0.0.1:{started['settings']['port']} " in run.output


async def test_the_server_and_the_engine_log_in_the_same_format(run: Run) -> None:
    assert run.events("query engine: output of the engine")
    assert {line.get("logger") for line in run.lines} >= {"uvicorn.error", "chat_sessions.store.prisma.node"}


PROGRAM = """
import asyncio, sys, warnings
from chat_sessions.telemetry.logs import configure_logging, capture_warnings_and_crashes
from chat_sessions.settings import load_settings

class Task:
    def __repr__(self):
        return "Canary-title"

async def main():
    asyncio.get_running_loop().call_exception_handler({"message": "a task failed", "task": Task()})

configure_logging(load_settings())
capture_warnings_and_crashes()
warnings.warn("an old way", DeprecationWarning)
asyncio.run(main())
raise ValueError("Canary-message")
"""


def output_of_python(settings: Settings, **env: str) -> str:
    """Return the output of a program that triggers everything that Python itself logs."""
    command = [sys.executable, "-W", "always", "-c", PROGRAM]
    done = subprocess.run(  # noqa: S603  our own program
        command, env={**environment(settings), **env}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_warnings_tasks_and_exit_handlers_are_logged_in_the_same_format(settings: Settings) -> None:
    output = output_of_python(settings)
    lines = [json.loads(line) for line in output.splitlines()]
    assert [(line["level"], line["event"].split(":")[0]) for line in lines] == [
        ("warning", "<string>"),
        ("error", "a task failed"),
        ("critical", "process.failed"),
    ]
    assert "Canary" not in output


ERRORS = """
import structlog
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.settings import load_settings
from chat_sessions.telemetry.logs import configure_logging

class QueryError(Exception):
    code = "P2010"

configure_logging(load_settings())
for error in (DatabaseUnavailable(), ValueError("Canary-title"), QueryError("Canary-title")):
    structlog.get_logger().warning("failed", error=error)
"""


def logged_errors(settings: Settings, log_format: str) -> str:
    done = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", ERRORS],
        env={**environment(settings), "CHAT_LOG_FORMAT": log_format},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


def test_the_cause_of_a_failure_is_logged_without_its_text_unless_it_is_ours(settings: Settings) -> None:
    lines = [json.loads(line) for line in logged_errors(settings, "json").splitlines()]
    assert [line["error"] for line in lines] == [
        "Database unavailable. Try again.",
        "ValueError",
        "QueryError P2010",
    ]


def test_in_a_terminal_the_cause_of_a_failure_keeps_its_text(settings: Settings) -> None:
    assert logged_errors(settings, "console").count("Canary-title") == 2


def test_in_a_terminal_the_log_is_text_with_the_traceback(settings: Settings) -> None:
    output = output_of_python(settings, CHAT_LOG_FORMAT="console")
    assert "process.failed" in output
    assert "ValueError: Canary-message" in output
    assert not output.startswith("{")


def test_the_reason_for_a_failed_start_is_logged_once(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "Canary" / "0.lock").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "chat_sessions", "serve", "--port", port],
        env={**os.environ, **environment(settings), "CHAT_METRICS_DIR": str(tmp_path / "Canary")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert events.count("service.failed") == 1
    assert [event for event in events if "Traceback" in event] == []
    assert "Canary" not in done.stderr


async def test_the_password_in_the_key_set_url_is_not_logged() -> None:
    with closing(Provider()) as provider:
        provider.status = 401
        url = provider.url.replace("://", "://me:Canary-password@")
        keys = KeySet(url, lifespan=1, timeout=1)
        with logged("jwks.") as lines, pytest.raises(Unavailable):
            await keys.candidates(None, "RS256")
    assert [(line["event"], line["reason"]) for line in lines] == [("jwks.unavailable", "HTTP status 401")]
    assert "Canary" not in str(lines)
