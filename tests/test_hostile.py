"""Any bytes in a path, query, header or body: never a 500 or a traceback, and the service survives."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.listening import on_a_socket
from tests.service import Caller, Service, token
from tests.waiting import LIMIT_SECONDS

PATH = "/api/chat/sessions"
# Line ends would end the example; test_invalid_http_is_rejected covers them.
line = st.binary(max_size=80).map(lambda raw: raw.replace(b"\r", b"%").replace(b"\n", b"%"))
Json = Any
texts = st.text(st.characters(), max_size=20) | st.sampled_from(["\0", "\ud800", "\u2028", "x" * 300, "$type", ""])
numbers = st.integers() | st.floats() | st.sampled_from([2**53 + 1, -(2**63) - 1, 10**400, 1e308, float("nan")])
values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@dataclass
class RawResponse:
    """The parts of a response."""

    status: int
    head: bytes
    body: bytes


class Wire:
    """A raw connection for each request."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def send(self, *parts: bytes) -> RawResponse:
        """Send bytes and return the first response; a connection that closes without one is an error."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            # The server may respond and close before it has read everything.
            with suppress(ConnectionError):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
            async with asyncio.timeout(LIMIT_SECONDS):
                return await self._response(reader)
        finally:
            writer.close()

    async def _response(self, reader: asyncio.StreamReader) -> RawResponse:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if b"text/event-stream" in head:  # it has no end
            return RawResponse(status, head, b"")
        if status == 100:
            return await self._response(reader)
        return RawResponse(status, head, await reader.read(1_000_000))

    async def request(
        self, method: bytes = b"GET", target: bytes = PATH.encode(), headers: bytes = b"", body: bytes = b""
    ) -> RawResponse:
        """Send a well-framed request with arbitrary contents."""
        return await self.send(
            b"%s %s HTTP/1.1\r\nHost: chat.test\r\nAuthorization: Bearer %s\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s"
            % (method, target, token().encode(), len(body), headers, body)
        )


@pytest.fixture(scope="module")
async def wire(service: Service) -> AsyncIterator[Wire]:
    async with on_a_socket(service) as url:
        yield Wire(urlsplit(url).port or 0)


@pytest.fixture(autouse=True)
def no_bug_is_hit(caplog: pytest.LogCaptureFixture) -> Callable[[], None]:
    """Return a check that nothing has failed internally, whatever the response."""

    def check() -> None:
        assert "request.failed" not in caplog.text
        assert "Exception in ASGI application" not in caplog.text

    return check


def harmless(response: RawResponse) -> None:
    assert response.status < 500
    assert b"Traceback" not in response.body
    assert b'File "' not in response.body
    assert b"prisma" not in response.body.lower()


class TestBytes:
    @given(path=line, method=st.sampled_from([b"GET", b"DELETE", b"PATCH", b"POST"]))
    async def test_are_harmless_in_a_path(
        self, path: bytes, method: bytes, wire: Wire, no_bug_is_hit: Callable[[], None]
    ) -> None:
        for prefix in (b"/", PATH.encode() + b"/"):
            harmless(await wire.request(method, prefix + path, body=b'{"title": "x"}'))
        no_bug_is_hit()

    @given(path=st.binary(max_size=40), tail=st.sampled_from(["", "/messages"]))
    async def test_are_harmless_in_an_escaped_path(
        self, path: bytes, tail: str, wire: Wire, no_bug_is_hit: Callable[[], None]
    ) -> None:
        target = f"{PATH}/{''.join(f'%{byte:02x}' for byte in path)}{tail}".encode()
        for method in (b"GET", b"DELETE", b"POST"):
            body = b'{"messages": [{"role": "user"}]}'
            harmless(await wire.request(method, target, body=body))
        no_bug_is_hit()

    @given(query=line, name=st.sampled_from([b"", b"q=", b"cursor=", b"limit=", b"offset=", b"before_sequence="]))
    async def test_are_harmless_in_a_query(
        self, query: bytes, name: bytes, wire: Wire, no_bug_is_hit: Callable[[], None]
    ) -> None:
        for path in (PATH.encode(), PATH.encode() + b"/x"):
            harmless(await wire.request(target=path + b"?" + name + query))
        no_bug_is_hit()

    @given(query=st.binary(max_size=40), name=st.sampled_from(["q", "cursor", "limit", "pinned_first"]))
    async def test_are_harmless_in_an_escaped_query(
        self, query: bytes, name: str, wire: Wire, no_bug_is_hit: Callable[[], None]
    ) -> None:
        escaped = "".join(f"%{byte:02x}" for byte in query)
        harmless(await wire.request(target=f"{PATH}?{name}={escaped}".encode()))
        no_bug_is_hit()

    @given(
        value=line,
        name=st.sampled_from(
            [
                *(b"If-Match", b"If-None-Match", b"X-Request-ID", b"Authorization", b"Content-Type", b"Last-Event-ID"),
                *(
                    b"Accept",
                    b"Cookie",
                    b"Origin",
                    b"Range",
                    b"Expect",
                    b"Transfer-Encoding",
                    b"Content-Length",
                    b"Host",
                ),
            ]
        ),
    )
    async def test_are_harmless_in_a_header(
        self, value: bytes, name: bytes, wire: Wire, no_bug_is_hit: Callable[[], None]
    ) -> None:
        header = name + b": " + value + b"\r\n"
        for method, target in ((b"GET", PATH), (b"DELETE", f"{PATH}/x"), (b"GET", f"{PATH}/events"), (b"GET", "/docs")):
            harmless(await wire.request(method, target.encode(), header))
        no_bug_is_hit()

    @given(name=line)
    async def test_are_harmless_in_a_header_name(
        self, name: bytes, wire: Wire, no_bug_is_hit: Callable[[], None]
    ) -> None:
        harmless(await wire.request(headers=name + b": x\r\n"))
        no_bug_is_hit()

    @given(body=st.binary(max_size=200), method=st.sampled_from([b"POST", b"PATCH"]))
    async def test_are_harmless_in_a_body(
        self, body: bytes, method: bytes, wire: Wire, no_bug_is_hit: Callable[[], None]
    ) -> None:
        for target in (PATH, f"{PATH}/x", f"{PATH}/x/messages", f"{PATH}/batch-delete"):
            harmless(await wire.request(method, target.encode(), body=body))
        no_bug_is_hit()

    @pytest.mark.parametrize(
        "sent",
        [
            b"\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"\0" * 100 + b"\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET  / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: \0\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: b\r\n folded\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: b\nConnection: close\n\n",
            b"GET http://other.test/healthz HTTP/1.1\r\nHost: chat.test\r\nConnection: close\r\n\r\n",
            b"GET healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"CONNECT other.test:443 HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"TRACE / HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"M-SEARCH / HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"G\xc3\x89T / HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: " + b"b" * 100_000 + b"\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 2000 + b"Connection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
            b"POST / HTTP/1.1\r\nContent-Length: 2, 2\r\nConnection: close\r\n\r\nab",
            b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n-1\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + b"f" * 40 + b"\r\n\r\n",
            b"GET /%00 HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /docs/%00 HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /docs/..%2f..%2fapp.py HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /%c0%ae%c0%ae/ HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /%ed%a0%80 HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /% HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET /%zz?%zz HTTP/1.1\r\nConnection: close\r\n\r\n",
        ],
        ids=range(39),
    )
    async def test_invalid_http_is_rejected(self, sent: bytes, wire: Wire, no_bug_is_hit: Callable[[], None]) -> None:
        harmless(await wire.send(sent))
        no_bug_is_hit()
        assert (await wire.request(target=b"/healthz")).status == 200

    @pytest.mark.parametrize("chunk", [1, 7, 4096])
    async def test_a_chunked_body_is_one_body(self, chunk: int, wire: Wire) -> None:
        body = json.dumps({"title": "in pieces"}).encode()
        pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)]
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: chat.test\r\nAuthorization: Bearer {token()}\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        ).encode()
        response = await wire.send(head, *(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n")
        assert response.status == 201

    async def test_an_endless_body_is_rejected_while_it_arrives(self, wire: Wire, service: Service) -> None:
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: chat.test\r\nAuthorization: Bearer {token()}\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        ).encode()
        piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
        response = await wire.send(head, *[piece] * (service.settings.max_body_bytes // 65536 + 1))
        assert response.status == 413

    async def test_the_service_survives_disconnects_during_a_body(
        self, wire: Wire, no_bug_is_hit: Callable[[], None]
    ) -> None:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\nContent-Length: 100\r\n\r\n{{"
        for _ in range(10):
            _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
            writer.write(head.encode())
            await writer.drain()
            writer.close()
        assert (await wire.request(target=b"/healthz")).status == 200
        no_bug_is_hit()


async def all_readable(caller: Caller) -> None:
    """Check that everything stored can be read."""
    page = await caller.page(limit=100)
    assert page.status_code == 200
    for session in page.json()["sessions"]:
        assert (await caller.get(session["id"], limit=200)).status_code == 200
        assert (await caller.delete(session["id"])).status_code == 204


class TestJson:
    async def sent(self, caller: Caller, method: str, path: str, body: Json) -> None:
        response = await caller.http.request(
            method, path, content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        assert response.status_code in {200, 201, 404, 422}
        assert "Traceback" not in response.text

    @given(body=values, name=st.sampled_from(["title", "metadata", "messages", "id", "unknown"]))
    async def test_any_value_in_a_new_session_is_accepted_or_rejected(self, body: Json, name: str, ada: Caller) -> None:
        await self.sent(ada, "POST", PATH, {name: body})
        await self.sent(ada, "POST", PATH, {"metadata": {"any": body}})
        await self.sent(ada, "POST", PATH, body)
        await all_readable(ada)

    @given(
        body=values,
        name=st.sampled_from(
            ["id", "role", "content", "name", "tool_call_id", "refusal", "tool_calls", "function_call", "metadata"]
        ),
    )
    async def test_any_value_in_a_message_is_accepted_or_rejected(self, body: Json, name: str, ada: Caller) -> None:
        session_id = (await ada.create())["id"]
        await self.sent(ada, "POST", f"{PATH}/{session_id}/messages", {"messages": [{"role": "user", name: body}]})
        await self.sent(
            ada, "POST", f"{PATH}/{session_id}/messages", {"messages": [{"role": "user", "content": [body]}]}
        )
        await self.sent(ada, "POST", PATH, {"messages": [{"role": "user", "metadata": {"any": body}}]})
        await all_readable(ada)

    @given(body=values, name=st.sampled_from(["title", "is_pinned", "unknown"]))
    async def test_any_value_in_a_change_is_accepted_or_rejected(self, body: Json, name: str, ada: Caller) -> None:
        session_id = (await ada.create())["id"]
        await self.sent(ada, "PATCH", f"{PATH}/{session_id}", {name: body})
        await self.sent(ada, "PATCH", f"{PATH}/{session_id}", body)
        await all_readable(ada)

    @given(
        body=values,
        name=st.sampled_from(["ids", "filter", "dry_run"]),
        inner=st.sampled_from(["q", "pinned", "updated_before"]),
    )
    async def test_any_value_in_a_batch_is_accepted_or_rejected(
        self, body: Json, name: str, inner: str, ada: Caller
    ) -> None:
        await self.sent(ada, "POST", f"{PATH}/batch-delete", {name: body})
        await self.sent(ada, "POST", f"{PATH}/batch-delete", {"ids": [body]})
        await self.sent(ada, "POST", f"{PATH}/batch-delete", {"filter": {inner: body}})

    @pytest.mark.parametrize(
        "body",
        [
            '{"title": "first", "title": "second"}',
            '{"metadata": {"a": NaN}}',
            '{"metadata": {"a": -Infinity}}',
            '{"metadata": {"a": 1e400}}',
            '{"metadata": {"a": ' + "9" * 4000 + "}}",
            '{"metadata": {"a": ' + "9" * 5000 + "}}",
            '{"metadata": {"a": 1e-400, "b": -0.0, "c": 5e-324}}',
            '{"metadata": {"a": "\\ud800"}}',
            '{"metadata": {"\\udfff": 1}}',
            '{"metadata": {"a": "\\ud83d\\ude00"}}',
            '{"metadata": {"a": "\\u0000"}}',
            '{"title": "\\ud800"}',
            '{"\\ud800": 1}',
            '{"metadata": {"a": ' + "[" * 10_000 + "]" * 10_000 + "}}",
            '{"metadata": ' + '{"a":' * 900 + "1" + "}" * 900 + "}",
            '{"metadata": ' + '{"a":' * 200 + "1" + "}" * 200 + "}",
            '{"metadata": {' + ",".join(f'"{n}": {n}' for n in range(1500)) + "}}",
            '{"messages": [' + ",".join(['{"role": "user", "content": []}'] * 100) + "]}",
            "[" * 100_000,
            "[]" * 1000,
            '"' + "x" * 1_000_000 + '"',
            "",
            " ",
            "\ufeff",
            "null",
            "{}{}",
        ],
        ids=range(26),
    )
    async def test_a_body_that_confuses_json_parsers_is_accepted_or_rejected(
        self, body: str, ada: Caller, no_bug_is_hit: Callable[[], None]
    ) -> None:
        response = await ada.http.post(PATH, content=body.encode(), headers={"Content-Type": "application/json"})
        assert response.status_code in {201, 422}
        await all_readable(ada)
        no_bug_is_hit()
