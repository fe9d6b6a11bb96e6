"""The service on a real socket, which streams and everything below HTTP need."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from chat_sessions.settings import Settings
from chat_sessions.web.connection.http import BoundedProtocol
from tests.service import NO_CERTIFICATES, Caller, Service, token
from tests.waiting import LIMIT_SECONDS, until


def bounded_by(settings: Settings) -> type[BoundedProtocol]:
    """Return the HTTP protocol of `chat-sessions serve`, for a server that does not run the app's lifespan."""

    class Bounded(BoundedProtocol):
        def __init__(self, **given: Any) -> None:  # noqa: ANN401  uvicorn's
            super().__init__(**{**given, "app_state": {"settings": settings}})

    return Bounded


@asynccontextmanager
async def on_a_socket(service: Service) -> AsyncIterator[str]:
    """Serve the app, whose lifespan has already started, and yield its URL."""
    http = bounded_by(service.settings)
    config = uvicorn.Config(
        service.asgi, port=0, http=http, ws="none", log_config=None, lifespan="off", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@dataclass
class ServerSentEvent:
    """One server-sent event, or a comment."""

    event: str
    id: str | None
    data: dict[str, Any]


class Listener:
    """An open event stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self, *, comments: bool = False) -> ServerSentEvent | None:
        """Return the next event (or comment), or None at the end of the stream."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if line == "" and ("event" in fields or ("" in fields and comments)):
                return ServerSentEvent(
                    fields.get("event", fields.get("", "")), fields.get("id"), json.loads(fields.get("data", "{}"))
                )
            if line == "":
                fields = {}
            fields[name] = value
        return None


@asynccontextmanager
async def following(
    url: str, user: str = "ada", *, last_event_id: str | None = None, expires_at: int | None = None
) -> AsyncIterator[Listener]:
    """Open an event stream, and enter the block once it has started."""
    bearer = token(user) if expires_at is None else token(user, exp=expires_at)
    headers = {"Authorization": f"Bearer {bearer}"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=20, verify=NO_CERTIFICATES) as client,
        client.stream("GET", "/api/chat/sessions/events") as response,
    ):
        response.raise_for_status()
        listener = Listener(response.aiter_lines())
        await listener.next(comments=True)
        yield listener


async def heard_until_created(listener: Listener, caller: Caller) -> list[str]:
    """Create a session, and return the types of the events up to the one about it.

    Whenever Redis is slow for a moment, the stream may send a reset, which covers what was published before it. So
    create another session after each reset.
    """
    heard, created = list[str](), {(await caller.create())["id"]}
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            received = await listener.next()
            assert received is not None, "the stream has ended"
            heard.append(received.event)
            if received.event == "reset":
                created.add((await caller.create())["id"])
            elif received.data["id"] in created:
                assert received.event == "session.created"
                return heard
