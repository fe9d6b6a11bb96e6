"""A short fuzz run: the service does what its document says; `make fuzz` runs longer."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_sessions.settings import Settings
from tests.fuzz.run import ROOT, USERS, fuzz
from tests.listening import on_a_socket
from tests.process import ServiceProcess, serving
from tests.programs import run
from tests.service import Service

# A fixed seed and number of requests: the same work on every machine.
SEED = "--seed=1"

PATH = "/api/chat/sessions"


@pytest.fixture
async def process(settings: Settings) -> AsyncIterator[ServiceProcess]:
    async with serving(settings) as process:
        yield process


@asynccontextmanager
async def eventful(process: ServiceProcess, *users: str) -> AsyncIterator[None]:
    """Keep publishing events, so that the fuzzer need not wait for one."""

    async def create_and_delete(user: str) -> None:
        async with process.caller(user) as caller:
            while True:
                await caller.delete((await caller.create("Lisbon"))["id"])
                await asyncio.sleep(0.2)

    tasks = [asyncio.create_task(create_and_delete(user)) for user in users]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)


@pytest.mark.timeout(600)
async def test_hundreds_of_requests_get_documented_responses(process: ServiceProcess, tmp_path: Path) -> None:
    async with eventful(process, *USERS):
        outcome = await fuzz(process.url, tmp_path, SEED)
    assert outcome.failures == set(), outcome.printed
    assert (outcome.exit_code, outcome.report["errors"]) == (0, []), outcome.printed
    assert outcome.report["operations"]["tested"] == outcome.report["operations"]["total"] > 10
    assert {phase["status"] for phase in outcome.report["phases"].values()} == {"success"}
    assert outcome.report["test_cases"]["generated"] > 500


class Liar:
    """Violates the document, each operation in another way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and change the response."""

        async def lie(message: Message) -> None:
            operation = scope["method"], scope["path"]
            if message["type"] == "http.response.start":
                self._change_head(operation, message)
            elif operation == ("GET", "/readyz"):
                message["body"] = json.dumps({"status": 1}).encode().ljust(len(message["body"]))
            await send(message)

        await self._app(scope, receive, lie)

    def _change_head(self, operation: tuple[str, str], message: Message) -> None:
        match operation, message["status"]:
            case ("GET", "/healthz"), _:
                message["status"] = 500
            case ("POST", "/api/chat/sessions"), 201:
                message["status"] = 202
            case ("GET", "/metrics"), 200:
                message["headers"] = _changed(message, b"content-type", b"text/html")
            case ("GET", "/api/chat/sessions"), 200:
                message["headers"] = _changed(message, b"etag", None)
            case ("POST", "/api/chat/sessions/batch-delete"), 401:
                message["status"] = 200
            case ("GET", "/api/chat/sessions/search"), 422:
                message["status"] = 200


def _changed(message: Message, name: bytes, value: bytes | None) -> list[tuple[bytes, bytes]]:
    kept = [each for each in message["headers"] if each[0] != name]
    return kept if value is None else [*kept, (name, value)]


async def test_the_fuzzer_notices_each_lie(service: Service, tmp_path: Path) -> None:
    async with on_a_socket(replace(service, asgi=Liar(service.asgi))) as url:
        outcome = await fuzz(url, tmp_path, SEED, "--phases=coverage", "--exclude-path-regex={|events")
    assert outcome.exit_code == 1
    assert outcome.failures >= {
        ("GET /healthz", "ServerError"),
        (f"POST {PATH}", "UndefinedStatusCode"),
        ("GET /metrics", "UndefinedContentType"),
        (f"GET {PATH}", "MissingHeaders"),
        ("GET /readyz", "JsonSchemaError"),
        (f"POST {PATH}/batch-delete", "IgnoredAuth"),
        (f"GET {PATH}/search", "AcceptedNegativeData"),
    }


async def test_the_fuzzers_help_names_the_options_of_schemathesis() -> None:
    assert "schemathesis run" in await run(ROOT, sys.executable, "-m", "tests.fuzz", "--help")


async def test_an_unknown_option_of_the_fuzzer_is_reported(tmp_path: Path) -> None:
    outcome = await fuzz("http://127.0.0.1:1", tmp_path, "--no-such-option")
    assert outcome.exit_code == 2
    assert "--no-such-option" in outcome.printed
