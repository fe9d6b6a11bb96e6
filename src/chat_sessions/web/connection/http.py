"""An HTTP/1 connection with the limits that uvicorn lacks: timeouts, header sizes, number of connections."""

import asyncio
from http import HTTPStatus
from math import inf
from typing import Any, NoReturn, cast

import structlog
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import ASGIApp, Scope
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from chat_sessions.settings import Settings
from chat_sessions.web.connection import framing, rejections
from chat_sessions.web.connection.coalescing import CoalescingTransport
from chat_sessions.web.connection.http10 import unchunked
from chat_sessions.web.request_id import request_id_of

log = structlog.get_logger(__name__)

# The default of Apache and gunicorn; each header costs more than its bytes.
MAX_HEADERS = 100
# This many connections above the limit get a 503, if they send a request this soon; any more are aborted.
MAX_SURPLUS = 50
SURPLUS_SECONDS = 1.0
# Closing at once while the client still sends would reset the connection before it reads the response.
LINGER_SECONDS = 1.0


class _Rejected(Exception):
    """Stops the parser."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection that times out when the client is slow.

    It has this long to send a head, from the connection or from the first byte after the last request; to send a body,
    from its head; and to read its response. No timeout runs while the service works or a stream is idle.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._settings: Settings = app_state["settings"]
        self._max_head: int = self._settings.max_header_bytes
        self._read_deadline = inf
        self._write_deadline = inf
        self._unsent = 0
        self._rejected = False
        self._rejection: tuple[HTTPStatus, str | None] = HTTPStatus.BAD_REQUEST, None
        self.url, self.headers = b"", []
        self._in_head, self._got_body, self._complete = True, False, False
        # Bytes in this chunk, an upper bound for this head, and bytes in chunks that made no progress.
        self._chunk = self._head_bound = self._stalled = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout of the first head, or of the 503 if there are too many connections."""
        super().connection_made(CoalescingTransport(transport, self.loop))
        surplus = len(self.connections) - self._settings.max_connections
        if surplus > MAX_SURPLUS:
            self.transport.abort()
        seconds = self._settings.header_timeout
        if surplus > 0:
            self.app = rejections.too_many_connections
            seconds = min(seconds, SURPLUS_SECONDS)
        self._read_deadline = self.loop.time() + seconds
        self._timer = self.loop.call_later(seconds, self._check_deadlines)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse a chunk; most requests fit into one."""
        if self._rejected:
            return
        self._complete = False
        self._chunk = len(data)
        self._head_bound += self._chunk
        self._unset_keepalive_if_required()
        try:
            self._parse(memoryview(data))
        except HttpParserError:
            self._reject(*self._rejection)
        if not self._complete:
            self._expect_more()

    def _parse(self, data: memoryview) -> None:
        """Feed the parser; when it stops at an Upgrade, restart it without that header."""
        while data:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as stopped:
                data = data[stopped.args[0] :]
                head = framing.without_upgrade(*self._start_line(), self.headers)
                self.parser = HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(head)
            else:
                return

    def _start_line(self) -> tuple[bytes, bytes, str]:
        return self.parser.get_method(), self.url, self.parser.get_http_version()

    def on_headers_complete(self) -> None:
        """Start the request, unless its head is too large or ambiguous."""
        if len(self.headers) > MAX_HEADERS or (self._head_bound > self._max_head and self._is_head_too_large()):
            self._stop(self._too_large())
        method, _, version = self._start_line()
        if (error := framing.find_error(method, version, self.headers)) is not None:
            self._stop(HTTPStatus.BAD_REQUEST, error)
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        # Trailers of a chunked body must not be added to the headers that the app reads.
        self.headers = []
        self._in_head, self._read_deadline = False, inf

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        is_http10 = cycle.scope["http_version"] == "1.0"
        super()._start_asgi_task(cycle, unchunked(app, cycle) if is_http10 else app)  # type: ignore[arg-type]

    def _stop(self, status: HTTPStatus, detail: str | None = None) -> NoReturn:
        self._rejection = status, detail
        raise _Rejected

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self._got_body = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the read timeout: the request is complete."""
        if self.parser.should_upgrade():
            # Not complete: the head is about to be parsed again.
            return
        self._in_head, self._complete, self._read_deadline = True, True, inf
        # The next head may begin in this chunk.
        self._head_bound = self._chunk
        super().on_message_complete()

    def _expect_more(self) -> None:
        """Start the read timeout, or reject a client that sends bytes without completing a head or a body."""
        if self._read_deadline == inf:
            seconds = self._settings.header_timeout if self._in_head else self._settings.transfer_timeout
            self._read_deadline = self.loop.time() + seconds
            self._stalled = 0
        elif not self._got_body:
            self._stalled += self._chunk
        self._got_body = False
        if self._stalled > self._max_head or (self._in_head and self._is_head_too_large()):
            self._reject(self._too_large())

    def pause_writing(self) -> None:
        """Start the write timeout."""
        self._start_write_timeout()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Stop the write timeout."""
        self._write_deadline = inf
        super().resume_writing()

    def _check_deadlines(self) -> None:
        """End the connection if a deadline has passed: one timer per connection, and none per request."""
        now = self.loop.time()
        if now >= self._read_deadline:
            self._time_out_read(now)
        if now >= self._write_deadline:
            self._time_out_write()
        if self.transport.is_closing() and self._write_deadline == inf:
            self._start_write_timeout()
        next_check = min(self._read_deadline, self._write_deadline, now + self._settings.header_timeout)
        self._timer = self.loop.call_later(next_check - now, self._check_deadlines)

    def _time_out_read(self, now: float) -> None:
        if self.flow.read_paused or (self._in_head and not self._is_idle()):
            # The client is not late: the app has not read the body yet, or not responded to the previous request.
            self._read_deadline = now + self._settings.transfer_timeout
        else:
            self._read_deadline = inf
            self._reject(HTTPStatus.REQUEST_TIMEOUT)

    def _time_out_write(self) -> None:
        if self.transport.get_write_buffer_size() < self._unsent:
            self._start_write_timeout()
        else:
            # close() would wait for the client to read.
            self.transport.abort()

    def _start_write_timeout(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._write_deadline = self.loop.time() + self._settings.transfer_timeout

    def _reject(self, status: HTTPStatus, detail: str | None = None) -> None:
        """Close the connection, with an error response if no other response is in progress."""
        if self._rejected or self.transport.is_closing():
            return
        request_id = request_id_of(self._incomplete_request())
        log.info("connection.rejected", status=status.value, request_id=request_id)
        self._rejected = True
        if self._may_respond():
            self.transport.write(rejections.render(status, detail, request_id, self.server_state.default_headers))
            self.transport.write_eof()
            self._disconnect_app()
            self._timer.cancel()
            self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        else:
            self.transport.close()

    def _incomplete_request(self) -> Scope:
        cycle = self._current_cycle()
        return {"headers": self.headers} if self._in_head or cycle is None else cast("Scope", cycle.scope)

    def _disconnect_app(self) -> None:
        if (cycle := self._current_cycle()) is not None:
            cycle.disconnected = True
            cycle.message_event.set()

    def _may_respond(self) -> bool:
        if self._in_head:
            # No response on a connection that has sent nothing: browsers open connections in advance.
            return self._is_idle() and self._chunk > 0
        return not self.pipeline and not self.cycle.response_started

    def _is_idle(self) -> bool:
        cycle = self._current_cycle()
        return cycle is None or cycle.response_complete

    def _current_cycle(self) -> RequestResponseCycle | None:
        return cast("RequestResponseCycle | None", self.cycle)

    def _too_large(self) -> HTTPStatus:
        too_long = self._in_head and len(self.url) > self._max_head
        return HTTPStatus.REQUEST_URI_TOO_LONG if too_long else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    def _is_head_too_large(self) -> bool:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self._max_head
