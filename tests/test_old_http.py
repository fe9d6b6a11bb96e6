"""HTTP/1.0, which some proxies speak by default, has no chunked responses."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from starlette.types import Receive, Scope, Send

from tests.line import connected_to
from tests.listening import on_a_socket
from tests.service import Caller, Service, token

PATH = "/api/chat/sessions"


@pytest.fixture(scope="module")
async def url(service: Service) -> AsyncIterator[str]:
    async with on_a_socket(service) as url:
        yield url


def request(method: str, target: str, *lines: str, version: str = "1.0") -> bytes:
    head = (f"{method} {target} HTTP/{version}", "Host: chat.test", f"Authorization: Bearer {token()}", *lines)
    return "\r\n".join((*head, "", "")).encode()


async def test_an_event_stream_arrives_without_chunks(url: str, ada: Caller) -> None:
    async with connected_to(url) as line:
        await line.send(request("GET", f"{PATH}/events"))
        head = await line.reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding" not in head.lower()
        assert b"connection: close" in head.lower()
        assert (await line.reader.readuntil(b"\n\n")).endswith(b"\nretry: 1000\n\n")
        session_id = (await ada.create())["id"]
        event = await line.reader.readuntil(b"\n\n")
        assert event.startswith(b"event: session.created\n")
        assert session_id.encode() in event


async def three_parts(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in (b"one", b"", b"two"):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"three"})


async def test_the_end_of_the_connection_ends_a_response_without_a_length(service: Service) -> None:
    async with on_a_socket(replace(service, asgi=three_parts)) as streaming, connected_to(streaming) as line:
        await line.send(request("GET", "/"))
        head, _, body = (await line.rest()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert body == b"onetwothree"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_response_with_a_length_keeps_it(method: str, url: str) -> None:
    async with connected_to(url) as line:
        await line.send(request(method, "/healthz" if method == "GET" else "/openapi.json"))
        head = (await line.reader.readuntil(b"\r\n\r\n")).lower()
        assert b"content-length: " in head
        assert b"transfer-encoding" not in head


async def test_http_1_1_gets_chunks(url: str) -> None:
    async with connected_to(url) as line:
        await line.send(request("GET", f"{PATH}/events", version="1.1"))
        assert b"transfer-encoding: chunked" in (await line.reader.readuntil(b"\r\n\r\n")).lower()
