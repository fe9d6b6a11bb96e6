"""A worker holds few large bodies at once, serializes each once, and stays responsive meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import asyncpg
import pytest

from chat_sessions.contract.messages import NewMessage
from chat_sessions.settings import Settings
from chat_sessions.store import rows
from chat_sessions.store.prisma import node
from chat_sessions.store.prisma.protocol import packed
from chat_sessions.web import middleware
from chat_sessions.web.bodies import JsonRequest
from chat_sessions.web.middleware import FREE_BYTES, LARGE_BODIES_BYTES
from tests.line import connected_to
from tests.listening import on_a_socket
from tests.service import Caller, Service, new_id, running, token
from tests.waiting import until, waiting_statements

TEXTS = ["x" * 1_000_000] * 4
BODY_BYTES = sum(map(len, TEXTS))
# One of them overdraws the budget.
AT_ONCE = LARGE_BODIES_BYTES // BODY_BYTES + 1
INSERT = """INSERT INTO "ChatSession" ("id", "userId") SELECT unnest($1::text[]), 'ada'"""
PATH = "/api/chat/sessions"


async def waiting(database: asyncpg.Pool, number: int) -> bool:
    return await waiting_statements(database) == number


@asynccontextmanager
async def writes_blocked(database: asyncpg.Pool, kind: str, ids: list[str]) -> AsyncIterator[None]:
    """Block all writes to these sessions during the block."""
    if kind == "append":
        await database.execute(INSERT, ids)
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        if kind == "append":
            await connection.execute(
                """SELECT FROM "ChatSession" WHERE "userId" = 'ada' AND "id" = ANY($1) FOR UPDATE""", ids
            )
        else:
            await connection.execute(INSERT, ids)
        try:
            yield
        finally:
            await transaction.rollback()


@pytest.mark.parametrize("kind", ["append", "create"])
async def test_few_large_bodies_are_held_at_once_beside_small_ones_and_all_are_stored(
    kind: str, ada: Caller, database: asyncpg.Pool
) -> None:
    other, ids = (await ada.create())["id"], [new_id() for _ in range(AT_ONCE + 2)]
    messages = [{"role": "user", "content": text} for text in TEXTS]
    async with writes_blocked(database, kind, ids):
        if kind == "append":
            calls: list[Any] = [partial(ada.append, each, *TEXTS) for each in ids]
        else:
            calls = [partial(ada.create, id=each, messages=messages) for each in ids]
        writes = [asyncio.create_task(call()) for call in calls]
        await until(lambda: waiting(database, AT_ONCE))
        assert (await ada.append(other, "small")).status_code == 201
        assert await waiting(database, AT_ONCE)
    await asyncio.gather(*writes)
    pages = [(await ada.get(each)).json() for each in ids]
    assert [len(each["messages"]) + each["has_more_messages"] for each in pages] == [len(TEXTS)] * len(ids)


async def test_a_body_that_waits_too_long_gets_retry_after(
    settings: Settings, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "LARGE_BODY_WAIT_SECONDS", 0.05)
    ids = [new_id() for _ in range(AT_ONCE + 1)]
    async with running(settings) as worker, worker.client() as client, writes_blocked(database, "append", ids):
        writes = [asyncio.create_task(Caller(client).append(each, *TEXTS)) for each in ids[:-1]]
        await until(lambda: waiting(database, AT_ONCE))
        refused = await Caller(client).append(ids[-1], *TEXTS)
        for write in writes:
            write.cancel()
        await asyncio.wait(writes)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.json()["detail"] == middleware.MANY_LARGE_BODIES


async def test_a_slow_client_holds_only_the_bytes_it_has_sent(service: Service, ada: Caller) -> None:
    session_id = (await ada.create())["id"]
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
    async with on_a_socket(service) as url, AsyncExitStack() as lines:
        for _ in range(AT_ONCE + 2):
            line = await lines.enter_async_context(connected_to(url))
            await line.send(head.encode() + b"[" * 2 * FREE_BYTES)
        assert (await ada.append(session_id, *TEXTS)).status_code == 201


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[bytes], list[Any]]]:
    """Yield the JSON of each message that the model serializes, and everything sent to the engine."""
    serialized, sent = list[bytes](), list[Any]()

    record = rows.record

    def made_of(message: NewMessage, known_id: str | None = None, *, keyed: bool = True) -> bytes:
        serialized.append(record(message, known_id, keyed=keyed))
        return serialized[-1]

    def packed_of(value: Any) -> list[bytes]:  # noqa: ANN401  any JSON
        sent.append(value[1])
        return packed(value)

    with monkeypatch.context() as patched:
        patched.setattr(rows, "record", made_of)
        patched.setattr(node, "packed", packed_of)
        yield serialized, sent


@pytest.mark.parametrize("kind", ["append", "create"])
async def test_a_message_is_serialized_once_and_sent_to_the_engine_unchanged(
    kind: str, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = (await ada.create())["id"]
    with recorded(monkeypatch) as (serialized, sent):
        if kind == "append":
            await ada.append(session_id, "Жук", "\n")
        else:
            await ada.create(messages=[{"role": "user", "content": "Жук"}, {"role": "user", "content": "\n"}])
    assert len(serialized) == 2
    parameters = [each["query"]["query"]["arguments"].get("parameters", []) for each in sent if each["op"] == "query"]
    assert any(b"[" + b",".join(serialized) + b"]" in each for each in parameters)


async def test_the_event_loop_runs_between_two_messages(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    turns, turns_at = 0, list[int]()

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    record = rows.record

    def noting_turns(message: NewMessage, known_id: str | None = None, *, keyed: bool = True) -> bytes:
        turns_at.append(turns)
        return record(message, known_id, keyed=keyed)

    monkeypatch.setattr(rows, "record", noting_turns)
    other = asyncio.create_task(take_turns())
    await ada.create(messages=[{"role": "user", "content": f"{n}"} for n in range(5)])
    other.cancel()
    assert len(set(turns_at)) == len(turns_at) == 5


async def test_the_event_loop_runs_between_counting_and_parsing_a_body() -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"[1]"}

    request = JsonRequest(
        {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}, receive
    )
    await request.body()
    parsing = request.json()
    assert parsing.send(None) is None
    with pytest.raises(StopIteration) as ended:
        parsing.send(None)
    assert ended.value.value == [1]
