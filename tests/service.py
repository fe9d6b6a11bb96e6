"""The service under test: the real application on real servers, and users who call it."""

import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import jwt
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from starlette.types import ASGIApp

from chat_sessions.app import create_app
from chat_sessions.settings import Settings
from chat_sessions.store.outbox import MEASURE
from chat_sessions.store.preconditions import CHECK
from chat_sessions.store.search_keys import LOOKUPS
from chat_sessions.telemetry.tracing import Tracing
from tests import contract
from tests.waiting import until

SECRET = "a secret of the tests, long enough for HS256"  # noqa: S105  it protects nothing
DAY = 24 * 60 * 60
# Each HTTP client would load the machine's certificates, which takes 20 ms and is of no use without TLS.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def token(user: str = "ada", *, secret: str = SECRET, algorithm: str = "HS256", **claims: object) -> str:
    # Longer than any test run: parameters are created at collection.
    return jwt.encode({"sub": user, "exp": int(time.time()) + DAY, **claims}, secret, algorithm)


@dataclass
class Service:
    """One worker."""

    app: FastAPI
    asgi: ASGIApp
    settings: Settings
    transport: httpx.AsyncBaseTransport
    statements: list[str] = field(default_factory=list)

    def client(self, user: str | None = "ada", **headers: str) -> httpx.AsyncClient:
        if user is not None:
            headers = {"Authorization": f"Bearer {token(user)}", **headers}
        return httpx.AsyncClient(
            transport=self.transport,
            base_url="http://chat.test",
            headers=headers,
            timeout=30,
            event_hooks={"response": [contract.checker(self.app)]},
        )

    @property
    def sweeps(self) -> int:
        """How often the sweeper has read the outbox, which it does after Redis has responded."""
        return self.statements.count(MEASURE)

    async def readiness(self) -> str:
        async with self.client(None) as client:
            return (await client.get("/readyz")).text

    def record_statements(self) -> Callable[[], list[str]]:
        """Return a function that returns the statements sent from now on, without those of background tasks."""
        start = len(self.statements)
        return lambda: [
            each
            for each in self.statements[start:]
            if each not in {CHECK, *LOOKUPS} and not any(name in each for name in ("Outbox", "Tombstone", "Webhook"))
        ]


@asynccontextmanager
async def running(settings: Settings, tracing: Tracing | None = None, *, ready: bool = True) -> AsyncIterator[Service]:
    """Start a worker and wait until it is `ready`; its cache is then trusted."""
    statements: list[str] = []
    app = create_app(settings, on_statement=statements.append, tracing=tracing)
    async with LifespanManager(app, startup_timeout=30, shutdown_timeout=30) as manager:
        transport = httpx.ASGITransport(manager.app, raise_app_exceptions=False)
        service = Service(app, manager.app, settings, transport, statements)
        if ready:
            async with service.client(None) as client:
                await until(Caller(client).is_fully_ready)
        yield service


class Caller:
    """A user's client, with a method for each call of the API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.http = client

    async def is_fully_ready(self) -> bool:
        response = await self.http.get("/readyz")
        return response.status_code == 200 and response.json()["status"] == "ok"

    async def create(self, title: str | None = None, **body: object) -> dict[str, Any]:
        response = await self.http.post("/api/chat/sessions", json={"title": title, **body})
        assert response.status_code in {200, 201}, response.text
        created: dict[str, Any] = response.json()
        return created

    async def get(self, session_id: str, **params: int) -> httpx.Response:
        return await self.http.get(f"/api/chat/sessions/{session_id}", params=params)

    async def page(self, **params: str | int | bool) -> httpx.Response:
        return await self.http.get("/api/chat/sessions", params=params)

    async def titles(self, **params: str | int | bool) -> list[str]:
        return [each["title"] for each in (await self.page(**params)).json()["sessions"]]

    async def append(
        self, session_id: str, *texts: str, after_sequence: int | None = None, **fields: object
    ) -> httpx.Response:
        body: dict[str, object] = {"messages": [{"role": "user", "content": text, **fields} for text in texts]}
        if after_sequence is not None:
            body["after_sequence"] = after_sequence
        return await self.http.post(f"/api/chat/sessions/{session_id}/messages", json=body)

    async def replace(
        self, session_id: str, message_id: str, content: object, *, if_match: str | None = None, **fields: object
    ) -> httpx.Response:
        headers = {} if if_match is None else {"If-Match": if_match}
        path = f"/api/chat/sessions/{session_id}/messages/{quote(message_id, safe='')}"
        return await self.http.put(path, json={"role": "user", "content": content, **fields}, headers=headers)

    async def cut(self, session_id: str, start: int, *, if_match: str | None = None) -> httpx.Response:
        headers = {} if if_match is None else {"If-Match": if_match}
        path = f"/api/chat/sessions/{session_id}/messages"
        return await self.http.delete(path, params={"from_sequence": start}, headers=headers)

    async def contents(self, session_id: str, limit: int = 200) -> list[tuple[int, object]]:
        """Return the sequences and contents of the newest messages."""
        messages = (await self.get(session_id, limit=limit)).json()["messages"]
        return [(each["sequence"], each["content"]) for each in messages]

    async def change(self, session_id: str, *, if_match: str | None = None, **body: object) -> httpx.Response:
        headers = {} if if_match is None else {"If-Match": if_match}
        return await self.http.patch(f"/api/chat/sessions/{session_id}", json=body, headers=headers)

    async def delete(self, session_id: str, *, if_match: str | None = None) -> httpx.Response:
        headers = {} if if_match is None else {"If-Match": if_match}
        return await self.http.delete(f"/api/chat/sessions/{session_id}", headers=headers)


def new_id() -> str:
    return str(uuid4())
