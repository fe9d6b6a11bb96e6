"""Slow clients, huge requests and many connections: what is allowed, and how it affects other clients."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from time import monotonic
from urllib.parse import urlsplit

import asyncpg
import httpx
import psutil
import pytest

from chat_sessions.settings import Settings
from chat_sessions.web.connection.http import MAX_HEADERS, MAX_SURPLUS
from tests.databases import LOCK_SESSION
from tests.line import MOMENT, Line, connected_to
from tests.listening import following
from tests.process import ServiceProcess, serving
from tests.service import token
from tests.waiting import LIMIT_SECONDS, a_statement_waits, until

PATH = "/api/chat/sessions"
HEADER_TIMEOUT, TRANSFER_TIMEOUT = 0.6, 1.5
MAX_HEADER_BYTES = 16 * 1024
MAX_CONNECTIONS = 30
# More than all buffers between the test and the server hold.
LARGE = 12_000_000


def authorized() -> bytes:
    return f"Host: chat.test\r\nAuthorization: Bearer {token()}\r\n".encode()


def body_follows() -> bytes:
    return authorized() + b"Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[ServiceProcess]:
    bounds = {
        "header_timeout": HEADER_TIMEOUT,
        "transfer_timeout": TRANSFER_TIMEOUT,
        "max_header_bytes": MAX_HEADER_BYTES,
        "max_connections": MAX_CONNECTIONS,
        "feed_heartbeat": HEADER_TIMEOUT / 4,
        "max_body_bytes": 2 * LARGE,
        "max_message_bytes": 2 * LARGE,
    }
    async with serving(settings.model_copy(update=bounds)) as process:
        yield process


@pytest.fixture(autouse=True)
async def no_clients_left(server: ServiceProcess) -> None:
    """Wait until the server has noticed that the previous test's clients are gone."""

    async def empty() -> bool:
        return not connections(server)

    await until(empty)


def connections(server: ServiceProcess) -> list[int]:
    """Return the ports of the clients."""
    port = urlsplit(server.url).port
    found = psutil.Process(server.process.pid).net_connections("tcp")
    return [each.raddr.port for each in found if each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port]


def connected(server: ServiceProcess) -> AbstractAsyncContextManager[Line]:
    return connected_to(server.url)


def check(response: httpx.Response, status: int) -> None:
    """Check the response to a client that is disconnected."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["connection"] == "close"
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])
    assert response.json()["status"] == status


class TestSlow:
    @pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\nHost: chat.t", b"\r\n"])
    async def test_an_incomplete_head_is_408(self, sent: bytes, server: ServiceProcess) -> None:
        async with connected(server) as line:
            await line.send(sent)
            check(await line.response(), 408)
            assert await line.rest() == b""

    async def test_a_trickling_head_is_408_however_steady(self, server: ServiceProcess) -> None:
        started = monotonic()
        async with connected(server) as line:
            await line.send(b"GET / HTTP/1.1\r\n")
            async with line.trickling(b"A: b\r\n"):
                check(await line.response(), 408)
        assert monotonic() - started >= HEADER_TIMEOUT - MOMENT

    async def test_a_silent_client_is_disconnected_without_a_response(self, server: ServiceProcess) -> None:
        async with connected(server) as line:
            assert await line.rest() == b""

    @pytest.mark.parametrize("length", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
    async def test_a_trickling_body_is_408(self, length: bytes, server: ServiceProcess) -> None:
        started = monotonic()
        async with connected(server) as line:
            await line.send(b"POST %s HTTP/1.1\r\n%s%s\r\n\r\n" % (PATH.encode(), body_follows(), length))
            piece = b"1\r\n \r\n" if b"chunked" in length else b" "
            async with line.trickling(piece):
                check(await line.response(), 408)
        assert monotonic() - started >= TRANSFER_TIMEOUT - MOMENT

    async def test_a_rejected_body_is_not_read_for_ever(self, server: ServiceProcess) -> None:
        async with connected(server) as line:
            await line.send(b"POST %s HTTP/1.1\r\n%sContent-Length: 99999999\r\n\r\n" % (PATH.encode(), body_follows()))
            async with line.trickling(b" "):
                assert (await line.response()).status_code == 413
                assert await line.rest() == b""

    async def test_line_ends_do_not_keep_an_idle_connection_open(self, server: ServiceProcess) -> None:
        async with connected(server) as line:
            await line.send(b"GET /healthz HTTP/1.1\r\nHost: chat.test\r\n\r\n")
            assert (await line.response()).status_code == 200
            async with line.trickling(b"\r\n"):
                check(await line.response(), 408)

    async def test_an_idle_connection_does_not_time_out(self, server: ServiceProcess) -> None:
        async with connected(server) as patient:
            for _ in range(2):
                await patient.send(b"GET /healthz HTTP/1.1\r\nHost: chat.test\r\n\r\n")
                assert (await patient.response()).status_code == 200
                async with connected(server) as silent:
                    await silent.rest()

    async def test_a_stream_does_not_time_out(self, server: ServiceProcess) -> None:
        async with following(server.url) as stream:
            started = monotonic()
            while monotonic() - started < HEADER_TIMEOUT + TRANSFER_TIMEOUT + 0.5:
                assert await stream.next(comments=True) is not None

    async def test_an_incomplete_next_request_does_not_cut_the_response(self, server: ServiceProcess) -> None:
        async with connected(server) as line:
            await line.send(b"GET %s/events HTTP/1.1\r\n%s\r\n" % (PATH.encode(), authorized()))
            received = await line.reader.readline()
            await line.send(b"GET / HT")
            started = monotonic()
            while monotonic() - started < HEADER_TIMEOUT + TRANSFER_TIMEOUT + 0.5:
                received = await asyncio.wait_for(line.reader.readline(), LIMIT_SECONDS)
                assert received
                assert b"HTTP/1.1 408" not in received

    async def test_a_response_may_take_longer_than_the_client_timeouts(
        self, server: ServiceProcess, database: asyncpg.Pool
    ) -> None:
        async with server.caller() as ada:
            session = await ada.create("before")
            async with database.acquire() as other, other.transaction():
                await other.execute(LOCK_SESSION, session["id"])
                changing = asyncio.create_task(ada.change(session["id"], title="after"))
                await until(lambda: a_statement_waits(database))
                for _ in range(4):
                    async with connected(server) as silent:
                        await silent.rest()
            assert (await changing).status_code == 200


class TestSlowReaders:
    @pytest.fixture
    async def session_id(self, server: ServiceProcess) -> str:
        """A session with one message so large that it fills a page by itself."""
        async with server.caller() as ada:
            created: str = (await ada.create())["id"]
            assert (await ada.append(created, "x" * LARGE)).status_code == 201
        return created

    @asynccontextmanager
    async def requested(self, server: ServiceProcess, session_id: str) -> AsyncIterator[socket.socket]:
        """Request the session over a connection with a small buffer."""
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            line.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(line, ("127.0.0.1", urlsplit(server.url).port))
            head = b"GET %s/%s HTTP/1.1\r\n%sConnection: close\r\n\r\n"
            await loop.sock_sendall(line, head % (PATH.encode(), session_id.encode(), authorized()))
            yield line

    async def test_a_client_that_reads_nothing_is_disconnected(self, server: ServiceProcess, session_id: str) -> None:
        started = monotonic()
        async with self.requested(server, session_id) as line:
            port = line.getsockname()[1]

            async def accepted() -> bool:
                return port in connections(server)

            async def cut() -> bool:
                return port not in connections(server)

            await until(accepted)
            await until(cut)
            assert monotonic() - started >= TRANSFER_TIMEOUT

    async def test_a_client_that_reads_slowly_gets_everything(self, server: ServiceProcess, session_id: str) -> None:
        taken = 0
        async with self.requested(server, session_id) as line:
            started = monotonic()
            while data := await asyncio.get_running_loop().sock_recv(line, 100_000):
                taken += len(data)
                await asyncio.sleep(MOMENT / 2)
        assert monotonic() - started > TRANSFER_TIMEOUT
        assert taken > LARGE


class TestLarge:
    async def refused(self, server: ServiceProcess, *pieces: bytes) -> httpx.Response:
        async with connected(server) as line:
            with suppress(ConnectionError):
                await line.send(*pieces)
            return await line.response()

    @pytest.mark.parametrize(
        "headers",
        [
            b"A: " + b"b" * MAX_HEADER_BYTES,
            b"A" * MAX_HEADER_BYTES + b": b",
            b"\r\n".join(b"A%d: " % n + b"b" * 200 for n in range(90)),
            b"\r\n".join([b"A: b"] * (MAX_HEADERS + 1)),
        ],
        ids=["value", "name", "sum", "number"],
    )
    @pytest.mark.parametrize("size", [1000, 100_000])
    async def test_oversized_headers_are_431(self, size: int, headers: bytes, server: ServiceProcess) -> None:
        sent = b"GET /healthz HTTP/1.1\r\n%s\r\n\r\n" % headers
        pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
        check(await self.refused(server, *pieces), 431)

    async def test_an_endless_header_is_431_while_it_arrives(self, server: ServiceProcess) -> None:
        piece = b"b" * 1000
        check(await self.refused(server, b"GET /healthz HTTP/1.1\r\nA: ", *[piece] * 200), 431)

    @pytest.mark.parametrize("tail", [b"", b" HTTP/1.1\r\n\r\n"])
    async def test_a_long_url_is_414(self, tail: bytes, server: ServiceProcess) -> None:
        response = await self.refused(server, b"GET /" + b"a" * 100_000 + tail)
        check(response, 414)
        assert response.json()["type"] == "urn:chat-sessions:url-too-long"

    async def test_endless_line_ends_are_431(self, server: ServiceProcess) -> None:
        check(await self.refused(server, b"\r\n" * MAX_HEADER_BYTES), 431)

    async def test_the_largest_head_is_read(self, server: ServiceProcess) -> None:
        headers = [b"A%d: " % n + b"b" * 150 for n in range(MAX_HEADERS - 2)]
        async with connected(server) as line:
            await line.send(
                b"GET /healthz HTTP/1.1\r\nHost: chat.test\r\nConnection: close\r\n%s\r\n\r\n" % b"\r\n".join(headers)
            )
            assert (await line.response()).status_code == 200

    async def test_a_large_body_in_one_piece_with_its_head_is_not_a_large_head(self, server: ServiceProcess) -> None:
        body = b'{"title": "x"%s}' % (b" " * 60_000)
        async with connected(server) as line:
            head = b"POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (PATH.encode(), body_follows(), len(body))
            for _ in range(2):
                await line.send(head + body)
                assert (await line.response()).status_code == 201

    @pytest.mark.parametrize("piece", [b"x" * 1000, b"A: b\r\n" * 200])
    async def test_endless_data_after_a_body_is_431(self, piece: bytes, server: ServiceProcess) -> None:
        head = b"POST %s HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n" % (PATH.encode(), body_follows())
        check(await self.refused(server, head, b"2\r\n{}\r\n0\r\nA: ", *[piece] * 200), 431)

    async def test_data_after_a_body_does_not_count_as_a_header(self, server: ServiceProcess) -> None:
        bearer = authorized().split(b"\r\n")[1]
        head = b"POST %s HTTP/1.1\r\nHost: chat.test\r\nContent-Type: application/json\r\n" % PATH.encode()
        response = await self.refused(
            server, head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n%s\r\n\r\n" % bearer
        )
        assert response.status_code == 401

    @pytest.mark.parametrize("last", [b"A: " + b"b" * MAX_HEADER_BYTES, b"Transfer-Encoding: chunked\r\n\r\nz"])
    async def test_a_rejection_echoes_the_request_id(self, last: bytes, server: ServiceProcess) -> None:
        head = b"POST %s HTTP/1.1\r\n%sX-Request-ID: mine-7\r\n" % (PATH.encode(), body_follows())
        assert (await self.refused(server, head + last)).headers["x-request-id"] == "mine-7"

    async def test_invalid_http_is_a_problem(self, server: ServiceProcess) -> None:
        check(await self.refused(server, b"\0\r\n\r\n"), 400)


class TestMany:
    async def test_beyond_the_connection_limit_new_clients_get_retry_after_and_open_connections_work(
        self, server: ServiceProcess
    ) -> None:
        late: list[httpx.Response] = []

        async def is_refused() -> bool:
            async with AsyncExitStack() as stack:
                for _ in range(MAX_CONNECTIONS - 1):
                    line = await stack.enter_async_context(connected(server))
                    await line.send(b"GET /")
                line = await stack.enter_async_context(connected(server))
                await line.send(b"GET /healthz HTTP/1.1\r\nHost: chat.test\r\n\r\n")
                late.append(await line.response())
                assert (await ada.page()).status_code == 200
            return late[-1].status_code != 200

        async with server.caller() as ada:
            # Connects this client first.
            assert (await ada.page()).status_code == 200
            # On a busy machine the first ones may time out before the last one connects.
            await until(is_refused)
            check(late[-1], 503)
            assert late[-1].headers["retry-after"] == "1"
            await until(lambda: self.responses(server))

    async def test_only_some_of_the_excess_connections_are_accepted_for_a_response(
        self, server: ServiceProcess
    ) -> None:
        # On a busy machine the accepted ones may time out before the last one connects.
        await until(lambda: self.last_is_cut_while_others_are_accepted(server))

    async def last_is_cut_while_others_are_accepted(self, server: ServiceProcess) -> bool:
        async with AsyncExitStack() as stack:
            lines = [
                await stack.enter_async_context(connected(server)) for _ in range(MAX_CONNECTIONS + MAX_SURPLUS + 10)
            ]
            await lines[-1].rest()
            is_accepted = lines[MAX_CONNECTIONS].port in connections(server)
        await until(lambda: self.responses(server))
        return is_accepted

    async def responses(self, server: ServiceProcess) -> bool:
        async with server.caller() as eve:
            try:
                return (await eve.http.get("/healthz")).status_code == 200
            except httpx.TransportError:
                return False
