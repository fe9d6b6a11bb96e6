"""What the Python client retries, and what it does not."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import httpx2
import pytest
from typing_extensions import override

from chat_sessions_client import ChatSessions, NotFound, Problem, Unreachable
from tests.service import token
from tests.waiting import LIMIT_SECONDS

MESSAGE = {"role": "user", "content": "hi"}
PROBLEM = {"type": "urn:chat-sessions:session-busy", "title": "Session busy", "status": 409, "detail": "Try again."}


class FlakyTransport(httpx2.AsyncHTTPTransport):
    """A connection to the service that breaks once: before a request has arrived, or before its response has."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks: type[httpx2.TransportError] | None = None
        self.methods: list[str] = []

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.methods.append(request.method)
        error, self.breaks = self.breaks, None
        if error is httpx2.ConnectError:
            raise error("Refused.")
        response = await super().handle_async_request(request)
        if error is not None:
            await response.aread()
            await response.aclose()
            raise error("Reset.")
        return response


@pytest.fixture
def transport() -> FlakyTransport:
    return FlakyTransport()


@pytest.fixture
async def chats(service_url: str, transport: FlakyTransport) -> AsyncIterator[ChatSessions]:
    async with ChatSessions(
        service_url, token("ada"), http=lambda: httpx2.AsyncClient(transport=transport, timeout=LIMIT_SECONDS)
    ) as chats:
        yield chats


async def test_a_create_whose_response_is_lost_is_retried(chats: ChatSessions, transport: FlakyTransport) -> None:
    transport.breaks = httpx2.ReadError
    created = await chats.create(title="Lisbon", messages=[MESSAGE])
    assert transport.methods == ["POST", "POST"]
    [page] = [page async for page in chats.pages()]
    assert page["sessions"] == [created]
    assert len(await chats.newest(created["id"])) == 1


async def test_an_append_whose_response_is_lost_is_stored_once(chats: ChatSessions, transport: FlakyTransport) -> None:
    session = await chats.create()
    transport.breaks = httpx2.ReadError
    stored = await chats.append(session["id"], [MESSAGE, MESSAGE], after_sequence=-1)
    assert transport.methods == ["POST", "POST", "POST"]
    assert await chats.newest(session["id"]) == stored


async def test_a_deletion_whose_response_is_lost_has_succeeded(chats: ChatSessions, transport: FlakyTransport) -> None:
    session = await chats.create()
    transport.breaks = httpx2.ReadError
    await chats.delete(session["id"])
    with pytest.raises(NotFound):
        await chats.delete(session["id"])


async def test_a_cut_whose_response_is_lost_is_not_retried(chats: ChatSessions, transport: FlakyTransport) -> None:
    session = await chats.create(messages=[MESSAGE])
    transport.breaks = httpx2.ReadError
    with pytest.raises(Unreachable):
        await chats.cut(session["id"], 0)
    assert transport.methods == ["POST", "DELETE"]
    assert await chats.newest(session["id"]) == []


async def test_a_cut_that_was_not_sent_is_retried(chats: ChatSessions, transport: FlakyTransport) -> None:
    session = await chats.create(messages=[MESSAGE])
    transport.breaks = httpx2.ConnectError
    await chats.cut(session["id"], 0)
    assert await chats.newest(session["id"]) == []


async def test_a_batch_deletion_whose_response_is_lost_is_not_retried(
    chats: ChatSessions, transport: FlakyTransport
) -> None:
    session = await chats.create()
    transport.breaks = httpx2.ReadError
    with pytest.raises(Unreachable):
        await chats.batch_delete(ids=[session["id"]])
    assert transport.methods == ["POST", "POST"]


def client_of(*responses: httpx2.Response, patience: float = 30) -> tuple[ChatSessions, list[httpx2.Request]]:
    """Return a client of a service with these responses, one after the other, and the requests that it receives."""
    requests: list[httpx2.Request] = []
    remaining = iter(responses)

    def respond(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return next(remaining)

    def http() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(respond))

    return ChatSessions("http://chat.test", "token", patience=patience, http=http), requests


def problem(status: int, retry_after: str | None = "0") -> httpx2.Response:
    headers = {"Content-Type": "application/problem+json"} | (
        {} if retry_after is None else {"Retry-After": retry_after}
    )
    return httpx2.Response(status, json={**PROBLEM, "status": status}, headers=headers)


def done() -> httpx2.Response:
    return httpx2.Response(204)


@pytest.mark.parametrize("status", [409, 429, 503])
async def test_a_problem_with_retry_after_is_retried(status: int) -> None:
    chats, requests = client_of(problem(status), problem(status), done())
    await chats.delete("s1")
    assert len(requests) == 3


@pytest.mark.parametrize("status", [409, 503])
async def test_a_problem_without_retry_after_is_not_retried(status: int) -> None:
    chats, requests = client_of(problem(status, None))
    with pytest.raises(Problem):
        await chats.delete("s1")
    assert len(requests) == 1


@pytest.mark.parametrize(("status", "attempts"), [(409, 2), (429, 2), (503, 1)])
async def test_a_cut_is_retried_only_if_it_had_no_effect(status: int, attempts: int) -> None:
    chats, requests = client_of(problem(status), problem(503, None))
    with pytest.raises(Problem):
        await chats.cut("s1", 0)
    assert len(requests) == attempts


async def test_a_retry_waits_as_long_as_the_service_asks() -> None:
    chats, _ = client_of(problem(429, "1"), done())
    start = time.monotonic()
    await chats.delete("s1")
    assert time.monotonic() - start >= 1


async def test_a_retry_beyond_the_patience_is_not_awaited() -> None:
    chats, requests = client_of(problem(429, "3600"))
    with pytest.raises(Problem) as busy:
        await chats.delete("s1")
    assert (len(requests), busy.value.retry_after) == (1, 3600)


async def test_an_error_of_a_proxy_is_a_problem() -> None:
    chats, _ = client_of(httpx2.Response(502, text="<h1>Bad gateway</h1>"))
    with pytest.raises(Problem) as failed:
        await chats.delete("s1")
    assert (failed.value.status, failed.value.type, failed.value.title) == (502, "about:blank", "Bad Gateway")


class Broken(httpx2.AsyncByteStream):
    """A response that breaks off."""

    def __init__(self, text: str) -> None:
        self._text = text

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._text.encode()
        raise httpx2.ReadError("Reset.")


def streaming(text: str) -> httpx2.Response:
    return httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, stream=Broken(text))


async def test_events_continue_after_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat_sessions_client.connection.RECONNECT_SECONDS", 0)
    event = 'id: {0}\nevent: session.deleted\ndata: {{"type":"session.deleted","id":"s{0}"}}\n\n'
    chats, requests = client_of(
        streaming(": alive\nretry: 1000\n\n" + event.format(1)), problem(503), streaming(event.format(2))
    )
    async with aclosing(chats.events()) as events:
        assert [(await anext(events))["id"] for _ in range(2)] == ["s1", "s2"]
    assert [request.headers.get("Last-Event-ID") for request in requests] == [None, "1", "1"]


async def test_a_response_that_is_not_an_event_stream_raises() -> None:
    chats, _ = client_of(httpx2.Response(200, text="<h1>Sign in</h1>"))
    async with aclosing(chats.events()) as events:
        with pytest.raises(Unreachable):
            await anext(events)


async def test_an_export_that_breaks_off_raises() -> None:
    chats, _ = client_of(streaming('{"id": "s1"}\n{"id":'))
    async with aclosing(chats.export()) as sessions:
        assert await anext(sessions) == {"id": "s1"}
        with pytest.raises(Unreachable):
            await anext(sessions)
