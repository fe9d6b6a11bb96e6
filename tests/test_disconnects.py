"""A client that disconnects before its response is counted and logged as 499."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from starlette.types import Message, Scope

from chat_sessions.settings import Settings
from chat_sessions.telemetry.request_log import ServedRequest
from chat_sessions.telemetry.served import ServedRequests
from tests.databases import LOCK_SESSION
from tests.scrape import scrape
from tests.service import Caller, Service, running, token
from tests.waiting import a_statement_waits, until

SESSIONS = "/api/chat/sessions"
SESSION = f"{SESSIONS}/{{session_id}}"


@pytest.fixture(scope="module")
def log() -> list[ServedRequest]:
    """The requests that were logged."""
    return []


@pytest.fixture(scope="module")
async def loud(settings: Settings, log: list[ServedRequest]) -> AsyncIterator[Service]:
    """A worker that logs its requests there."""
    with pytest.MonkeyPatch.context() as patch:
        add = ServedRequests.add

        def add_and_keep(served: ServedRequests, request: ServedRequest) -> None:
            log.append(request)
            add(served, request)

        patch.setattr(ServedRequests, "add", add_and_keep)
        async with running(settings) as worker:
            yield worker


@pytest.fixture
async def ada(loud: Service) -> AsyncIterator[Caller]:
    async with loud.client() as client:
        yield Caller(client)


def request(method: str, path: str) -> Scope:
    headers = {"authorization": f"Bearer {token()}", "content-type": "application/json", "content-length": "1000"}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


def receiving(messages: Iterable[Message]) -> Callable[[], Any]:
    left = iter(messages)

    async def receive() -> Message:
        return next(left)

    return receive


async def no_client(_message: Message) -> None:
    """Stand in for a client that has disconnected."""


async def disconnects(caller: Caller, route: str) -> float:
    return (await scrape(caller)).sum("chat_http_requests_total", route=route, status="499")


async def test_a_disconnect_during_the_body_is_not_a_bad_request(
    loud: Service, ada: Caller, log: list[ServedRequest]
) -> None:
    before = await disconnects(ada, SESSIONS)
    body = {"type": "http.request", "body": b'{"title": "half a', "more_body": True}
    await loud.asgi(request("POST", SESSIONS), receiving([body, {"type": "http.disconnect"}]), no_client)
    assert await disconnects(ada, SESSIONS) == before + 1
    assert (SESSIONS, 499) in [(each.route, each.status) for each in log]
    assert await ada.titles() == []


async def test_a_request_cancelled_before_its_response_counts_as_a_disconnect(
    loud: Service, ada: Caller, database: asyncpg.Pool, log: list[ServedRequest]
) -> None:
    before = await disconnects(ada, SESSION)
    session_id = (await ada.create("kept"))["id"]
    body = {"type": "http.request", "body": b'{"title": "new"}', "more_body": False}
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_SESSION, session_id)
        call = request("PATCH", f"{SESSIONS}/{session_id}")
        running_request = asyncio.ensure_future(loud.asgi(call, receiving([body]), no_client))
        await until(lambda: a_statement_waits(database))
        running_request.cancel()
        with suppress(asyncio.CancelledError):
            await running_request
    assert await disconnects(ada, SESSION) == before + 1
    assert (SESSION, 499) in [(each.route, each.status) for each in log]
