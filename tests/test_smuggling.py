"""Request smuggling: no client's body is ever executed as another request."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.line import Line, connected_to
from tests.listening import on_a_socket
from tests.service import Caller, Service, token

PATH = "/api/chat/sessions"
JSON = b"Content-Type: application/json\r\n"
OFFERS = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
    "websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "tls": b"Upgrade: TLS/1.0\r\nConnection: upgrade\r\n",
    "unknown": b"connection: keep-alive, UPGRADE\r\nuPGRADE: foo\r\n",
    "list": b"Connection: upgrade\r\nUpgrade: h2c, foo/2, WebSocket\r\n",
    "two-lines": b"Upgrade: h2c\r\nConnection: keep-alive\r\nUpgrade: foo\r\nConnection: Upgrade\r\n",
    "empty": b"Connection: upgrade\r\nUpgrade: \r\n",
    "nginx": b"Connection: upgrade\r\n",
    "not-asked": b"Upgrade: h2c\r\n",
}
every_offer = pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
every_framing = pytest.mark.parametrize("framing", ["length", "chunked"])
every_split = pytest.mark.parametrize("split", ["one-piece", "head-and-rest", "body-and-rest", "bytes"])


@pytest.fixture(scope="module")
async def url(service: Service) -> AsyncIterator[str]:
    async with on_a_socket(service) as url:
        yield url


@pytest.fixture
async def line(url: str) -> AsyncIterator[Line]:
    async with connected_to(url) as line:
        yield line


def request(method: str, path: str, headers: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: chat.test\r\nAuthorization: Bearer {token()}\r\n"
    return head.encode() + headers + b"\r\n"


def framed(framing: str, body: bytes) -> tuple[bytes, bytes]:
    """Return the header that frames a body, and the framed body."""
    if framing == "chunked":
        return b"Transfer-Encoding: chunked\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return b"Content-Length: %d\r\n" % len(body), body


def pieces(split: str, head: bytes, body: bytes, following: bytes) -> Iterator[bytes]:
    match split:
        case "one-piece":
            yield head + body + following
        case "head-and-rest":
            yield from (head, body + following)
        case "body-and-rest":
            yield from (head + body, following)
        case _:
            yield from (bytes([byte]) for byte in head + body + following)


class TestAnOfferToUpgrade:
    @every_split
    @every_framing
    @every_offer
    async def test_is_ignored_and_the_body_is_read(
        self, offer: bytes, framing: str, split: str, line: Line, ada: Caller
    ) -> None:
        length, body = framed(framing, b'{"title": "Lisbon"}')
        head = request("POST", PATH, offer + JSON + length)
        await line.send_apart(*pieces(split, head, body, request("GET", f"{PATH}?limit=3")))
        created = await line.response()
        listed = await line.response()
        assert (created.status_code, created.json()["title"]) == (201, "Lisbon")
        assert [each["title"] for each in listed.json()["sessions"]] == ["Lisbon"]
        assert (await ada.page()).json()["total"] == 1

    @every_split
    @every_framing
    @every_offer
    async def test_does_not_turn_its_body_into_a_request(
        self, offer: bytes, framing: str, split: str, line: Line, ada: Caller
    ) -> None:
        session_id = (await ada.create("mine"))["id"]
        smuggled = request("DELETE", f"{PATH}/{session_id}").removesuffix(b"\r\n") + b"X: "
        length, body = framed(framing, smuggled)
        head = request("POST", PATH, offer + JSON + length)
        await line.send_apart(*pieces(split, head, body, request("GET", f"{PATH}/{session_id}")))
        assert (await line.response()).status_code == 422
        assert (await line.response()).json()["title"] == "mine"
        assert (await ada.get(session_id)).status_code == 200

    @every_split
    @every_offer
    async def test_without_a_body_is_an_ordinary_request(self, offer: bytes, split: str, line: Line) -> None:
        await line.send_apart(*pieces(split, request("GET", PATH, offer), b"", request("GET", "/healthz")))
        assert (await line.response()).json()["total"] == 0
        assert (await line.response()).json() == {"status": "ok"}

    async def test_can_be_repeated_in_one_piece(self, line: Line) -> None:
        length, body = framed("length", b'{"title": "x"}')
        await line.send((request("POST", PATH, OFFERS["h2c"] + JSON + length) + body) * 50)
        assert [(await line.response()).status_code for _ in range(50)] == [201] * 50

    @pytest.mark.parametrize(("version", "connection"), [(b"1.0", b"Upgrade"), (b"1.1", b"close, Upgrade")])
    async def test_is_ignored_on_a_connection_that_is_closing(
        self, version: bytes, connection: bytes, line: Line, ada: Caller
    ) -> None:
        session_id = (await ada.create("mine"))["id"]
        length, body = framed("length", b'{"title": "Lisbon"}')
        offer = b"Connection: %s\r\nUpgrade: h2c\r\n" % connection
        head = request("POST", PATH, offer + JSON + length).replace(b"HTTP/1.1", b"HTTP/%s" % version)
        await line.send_apart(head + body, request("DELETE", f"{PATH}/{session_id}"))
        assert (await line.response()).json()["title"] == "Lisbon"
        assert await line.rest() == b""
        assert (await ada.get(session_id)).status_code == 200

    async def test_after_a_chunked_body_is_ignored(self, line: Line, ada: Caller) -> None:
        body = b"2\r\n{}\r\n0\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"
        head = request("POST", PATH, JSON + b"Transfer-Encoding: chunked\r\n")
        await line.send(head + body + request("GET", PATH))
        assert (await line.response()).status_code == 201
        assert (await line.response()).json()["total"] == 1
        assert (await ada.page()).json()["total"] == 1


REFUSED = {
    "connect": b"CONNECT chat.test:80 HTTP/1.1\r\nHost: chat.test:80\r\nContent-Length: 4\r\n\r\nbody",
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http2-version": b"GET / HTTP/2.0\r\nHost: chat.test\r\n\r\n",
    "http-0.9": b"GET /\r\n\r\n",
    "no-host": b"GET / HTTP/1.1\r\n\r\n",
    "two-hosts": b"GET / HTTP/1.1\r\nHost: chat.test\r\nHost: chat.test\r\n\r\n",
    "two-hosts-1.0": b"GET / HTTP/1.0\r\nHost: chat.test\r\nHost: other.test\r\n\r\n",
    "host-with-path": b"GET / HTTP/1.1\r\nHost: chat.test/x\r\n\r\n",
    "host-with-user": b"GET / HTTP/1.1\r\nHost: ada@chat.test\r\n\r\n",
    "host-with-space": b"GET / HTTP/1.1\r\nHost: chat.test other.test\r\n\r\n",
    "host-with-list": b"GET / HTTP/1.1\r\nHost: chat.test:80:90\r\n\r\n",
    "host-not-ascii": b"GET / HTTP/1.1\r\nHost: ch\xc3\xa4t.test\r\n\r\n",
    "length-and-chunked": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked-and-length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two-lengths": b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody",
    "length-list": b"Content-Length: 4, 4\r\n\r\nbody",
    "length-plus": b"Content-Length: +4\r\n\r\nbody",
    "length-minus": b"Content-Length: -4\r\n\r\nbody",
    "length-hex": b"Content-Length: 0x4\r\n\r\nbody",
    "length-empty": b"Content-Length: \r\n\r\nbody",
    "length-overflow": b"Content-Length: 18446744073709551620\r\n\r\nbody",
    "length-folded": b"Content-Length: 4\r\n 0\r\n\r\nbody",
    "coding-unknown": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding-identity": b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "coding-gzip": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding-two-lines": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-not-last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "coding-twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "coding-empty": b"Transfer-Encoding: \r\n\r\n0\r\n\r\n",
    "coding-folded": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "coding-vertical-tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunk-bare-lf": b"Transfer-Encoding: chunked\r\n\r\n4\nbody\n0\n\n",
    "chunk-space": b"Transfer-Encoding: chunked\r\n\r\n4 \r\nbody\r\n0\r\n\r\n",
    "chunk-hex": b"Transfer-Encoding: chunked\r\n\r\n0x4\r\nbody\r\n0\r\n\r\n",
    "chunk-overflow": b"Transfer-Encoding: chunked\r\n\r\n10000000000000004\r\nbody\r\n0\r\n\r\n",
    "chunk-longer": b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody!\r\n0\r\n\r\n",
    "chunk-extension-lf": b"Transfer-Encoding: chunked\r\n\r\n4;a\nb\r\nbody\r\n0\r\n\r\n",
    "trailer-length": b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 4\r\n\r\n",
    "header-bare-lf": b"A: b\nC: d\r\n\r\n",
    "header-bare-cr": b"A: b\rC: d\r\n\r\n",
    "header-folded": b"A: b\r\n c\r\n\r\n",
    "header-nul": b"A: \0\r\n\r\n",
    "space-before-colon": b"Content-Length : 4\r\n\r\nbody",
    "no-colon": b"Content-Length\r\n\r\n",
}


def opened(sent: bytes) -> bytes:
    """Return a request completed from the headers in question."""
    return (
        sent
        if b" HTTP/" in sent or sent.startswith(b"GET /\r\n")
        else request("POST", PATH).removesuffix(b"\r\n") + sent
    )


class TestAnAmbiguousRequest:
    @pytest.mark.parametrize("split", ["one-piece", "bytes"])
    @pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
    async def test_is_rejected_and_nothing_after_it_is_executed(
        self, sent: bytes, split: str, line: Line, ada: Caller
    ) -> None:
        session_id = (await ada.create("mine"))["id"]
        await line.send_apart(*pieces(split, opened(sent), b"", request("DELETE", f"{PATH}/{session_id}")))
        response = await line.response()
        assert (response.status_code, response.headers["connection"]) == (400, "close")
        assert response.json()["status"] == 400
        assert await line.rest() == b""
        assert (await ada.get(session_id)).status_code == 200

    @pytest.mark.parametrize(
        "sent",
        [
            b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nHost: chat.test:8000\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nhost:\tchat_sessions.svc \r\n\r\n",
            b"GET /healthz HTTP/1.0\r\n\r\n",
            b"\r\nGET http://chat.test/healthz HTTP/1.1\r\nHost: chat.test\r\n\r\n",
        ],
        ids=["empty-host", "port", "literal", "name", "http-1.0", "absolute"],
    )
    async def test_does_not_include_an_unusual_host(self, sent: bytes, line: Line) -> None:
        await line.send(sent)
        assert (await line.response()).json() == {"status": "ok"}

    async def test_does_not_include_a_chunk_extension(self, line: Line) -> None:
        head = request("POST", PATH, JSON + b"transfer-encoding:  Chunked \r\n")
        await line.send(head + b"2;name=value\r\n{}\r\n0\r\n\r\n" + request("GET", "/healthz"))
        assert (await line.response()).status_code == 201
        assert (await line.response()).json() == {"status": "ok"}

    async def test_closes_the_connection_even_before_an_earlier_response(self, line: Line, ada: Caller) -> None:
        session_id = (await ada.create("mine"))["id"]
        await line.send(request("GET", PATH) + b"\0" + request("DELETE", f"{PATH}/{session_id}"))
        await line.rest()
        assert (await ada.get(session_id)).status_code == 200
