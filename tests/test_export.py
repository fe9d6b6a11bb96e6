"""The export over HTTP: `GET /api/chat/export`."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.model import ChatSessions
from chat_sessions.settings import Settings
from chat_sessions.store.export_store import ExportStore
from tests.command import Operator
from tests.listening import on_a_socket
from tests.service import Caller, Service, token
from tests.test_portability import chats, exported, forget_tombstones, some_chats
from tests.waiting import until

PATH = "/api/chat/export"
# More than the buffers between a client and the service hold.
LONG_BYTES = 50_000_000
SMALL = {"MESSAGES_PER_PIECE": 2, "SESSIONS_PER_PAGE": 2, "BYTES_IN_MEMORY": 64}


@pytest.fixture
def operator(settings: Settings) -> Operator:
    return Operator(settings)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SMALL.items():
        monkeypatch.setattr(f"chat_sessions.store.export_store.{name}", value)


@pytest.fixture
async def url(service: Service) -> AsyncIterator[str]:
    async with on_a_socket(service) as url:
        yield url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[httpx.Response]:
    """Start an export on a separate connection."""
    headers = {"Authorization": f"Bearer {token('ada')}"}
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client,
        client.stream("GET", PATH) as response,
    ):
        yield response


def before_piece(monkeypatch: pytest.MonkeyPatch, session_id: str, start: int, act: Callable[[], Any]) -> None:
    """Act before a piece of a session is read for the first time."""
    query = ExportStore._query  # noqa: SLF001  the place between two pieces
    todo = [act]

    async def watched(self: ExportStore, turn: Any, statement: Any, *given: Any) -> Any:  # noqa: ANN401  passed on
        if given[1:3] == (session_id, start) and todo:
            await todo.pop()()
        return await query(self, turn, statement, *given)

    monkeypatch.setattr(ExportStore, "_query", watched)


async def test_an_export_is_a_download_that_is_not_cached(ada: Caller) -> None:
    response = await ada.http.get(PATH)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert response.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r'attachment; filename="chats-\d{4}-\d\d-\d\d.ndjson"', response.headers["Content-Disposition"])


@pytest.mark.usefixtures("small_pieces")
async def test_an_export_restores_the_same_sessions(
    operator: Operator, ada: Caller, bob: Caller, database: asyncpg.Pool
) -> None:
    await bob.create("Bob's")
    before = await some_chats(ada)
    file = (await ada.http.get(PATH)).content
    assert file == await exported(operator)
    assert len(file.splitlines()) == len(before) == 3
    await operator.succeed("erase-user", "ada", "--yes")
    await forget_tombstones(database)
    await operator.succeed("import", "--user", "ada", stdin=file)
    assert await chats(ada) == before
    assert (await ada.http.get(PATH)).content == file


async def test_head_returns_the_headers_and_ends_the_export(ada: Caller) -> None:
    await ada.create("Lisbon")
    expected = (await ada.http.get(PATH)).headers
    for _ in range(2):
        response = await ada.http.head(PATH)
        assert (response.status_code, response.content) == (200, b"")
        assert {**response.headers, "x-request-id": ""} == {**expected, "x-request-id": ""}


async def test_an_export_requires_a_token(stranger: Caller) -> None:
    assert (await stranger.http.get(PATH)).status_code == 401
    assert (await stranger.http.head(PATH)).status_code == 401


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("start", [0, 2, 4])
async def test_a_session_deleted_during_the_export_is_left_out(
    start: int, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    doomed = await ada.create("doomed", messages=[{"role": "user"}] * 5)
    await ada.create("kept")
    before_piece(monkeypatch, doomed["id"], start, lambda: ada.delete(doomed["id"]))
    lines = (await ada.http.get(PATH)).content.splitlines()
    assert [json.loads(each)["title"] for each in lines] == ["kept"]


@pytest.mark.usefixtures("small_pieces")
async def test_a_session_that_changes_during_the_export_is_exported_in_one_version(
    ada: Caller, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise messages that were cut off and appended again would be exported twice."""
    messages = [{"role": "user", "content": str(number), "id": str(number)} for number in range(5)]
    created = await ada.create("Trip", messages=messages)
    path = f"/api/chat/sessions/{created['id']}/messages"

    async def regenerate() -> None:
        await ada.http.delete(path, params={"from_sequence": 0})
        await ada.http.post(path, json={"messages": [{**messages[4], "content": "x"}, *reversed(messages[:4])]})

    before_piece(monkeypatch, created["id"], 4, regenerate)
    file = (await ada.http.get(PATH)).content
    assert [each["content"] for each in json.loads(file)["messages"]] == ["x", "3", "2", "1", "0"]
    await operator.succeed("import", "--user", "bob", stdin=file)


@pytest.mark.usefixtures("small_pieces")
async def test_a_session_that_never_stops_changing_is_still_exported(
    ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = await ada.create("Trip", messages=[{"role": "user"}] * 5)
    query = ExportStore._query  # noqa: SLF001  as above

    async def watched(self: ExportStore, *given: Any) -> Any:  # noqa: ANN401  passed on
        await ada.change(created["id"], is_pinned=True)
        return await query(self, *given)

    monkeypatch.setattr(ExportStore, "_query", watched)
    assert len(json.loads((await ada.http.get(PATH)).content)["messages"]) == 5


async def test_a_second_export_of_a_user_is_429_until_the_first_one_ends(
    url: str, ada: Caller, bob: Caller, database: asyncpg.Pool
) -> None:
    await fill(ada, database)
    async with opened(url) as response:
        assert response.status_code == 200
        refused = await ada.http.get(PATH)
        assert refused.status_code == 429, refused.headers
        assert refused.headers["Retry-After"] == "5"
        assert refused.json()["detail"] == "Another export of yours is running. Try again when it is complete."
        assert (await bob.http.get(PATH)).status_code == 200
    # The client has disconnected without reading the rest.

    async def is_free() -> bool:
        return (await ada.http.get(PATH)).status_code == 200

    await until(is_free)


async def test_a_client_that_does_not_read_holds_no_connection_and_little_memory(
    url: str, ada: Caller, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(ada, database)
    export, sent = ChatSessions.export, 0

    async def watched(self: ChatSessions, user: str) -> AsyncGenerator[bytes]:
        nonlocal sent
        async for chunk in export(self, user):
            sent += len(chunk)
            yield chunk

    async def is_idle() -> bool:
        busy = """SELECT count(*) FROM pg_stat_activity
                  WHERE state <> 'idle' AND query LIKE '%"piece"%' AND pid <> pg_backend_pid()"""
        return bool(await database.fetchval(busy) == 0)

    monkeypatch.setattr(ChatSessions, "export", watched)
    async with opened(url):
        await until(is_idle)
        # What the kernel's buffers hold.
        assert sent < LONG_BYTES / 2


async def test_a_failure_before_the_first_line_is_503(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    created = await ada.create("Trip")
    before_piece(monkeypatch, created["id"], 0, unavailable)
    response = await ada.http.get(PATH)
    assert (response.status_code, response.headers["Content-Type"]) == (503, "application/problem+json")
    assert (await ada.http.get(PATH)).status_code == 200


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
async def test_a_failure_midway_does_not_look_like_a_complete_export(
    version: str, url: str, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.create("first")
    second = await ada.create("second")
    before_piece(monkeypatch, second["id"], 0, unavailable)
    address = httpx.URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(f"GET {PATH} {version}\r\nHost: x\r\nAuthorization: Bearer {token('ada')}\r\n\r\n".encode())
    received, reset = b"", False
    try:
        while chunk := await asyncio.wait_for(reader.read(65536), 30):
            received += chunk
    except ConnectionResetError:
        reset = True
    writer.close()
    assert received.startswith(f"{version[:-1]}".encode()) or reset
    assert b"second" not in received
    assert not received.endswith(b"0\r\n\r\n")
    assert reset or version == "HTTP/1.1"


async def unavailable() -> None:
    raise DatabaseUnavailable


async def fill(ada: Caller, database: asyncpg.Pool) -> None:
    """Give Ada a long session."""
    created = await ada.create("long")
    await database.execute(
        """INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "searchKey", "sequence")
           SELECT 'ada', $1, n::text, 'user', json_build_object('id', n::text, 'content', repeat('x', $2::int)), '', n
           FROM generate_series(0, 99) AS n""",
        created["id"],
        LONG_BYTES // 100,
    )
    await database.execute('UPDATE "ChatSession" SET "messageCount" = 100')
