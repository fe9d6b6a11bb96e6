"""The server's side of one connection, with the bounds that uvicorn leaves out: of time, of size, of number."""

import asyncio
from http import HTTPStatus
from math import inf
from typing import Any, NoReturn, cast

import structlog
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import Scope
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from chat_sessions.settings import Settings
from chat_sessions.web.connection import framing, refusals
from chat_sessions.web.connection.coalescing import CoalescingTransport
from chat_sessions.web.request_id import request_id_of

log = structlog.get_logger(__name__)

# As many as Apache and gunicorn take; they cost more than their bytes.
MAX_HEADERS = 100
# Beyond the limit, as many are let in to be told to come later, and no longer than this; who comes then hears nothing.
MAX_SURPLUS = 50
SURPLUS_SECONDS = 1.0
# A client that still sends hears why it should not only if what it sends is taken for a while: closing at once would
# reset the connection under the answer.
LINGER_SECONDS = 1.0


class _Refused(Exception):
    """Stops the parser."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection that ends when the client keeps it waiting.

    A head is due from the moment the connection is open, or the first byte after the last request; a body from its
    head on; and what was sent is to be taken. Nothing is due while the service works on its answer, or while a stream
    has nothing to say.
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
        self._arrival_due = inf
        self._taking_due = inf
        self._unsent = 0
        self._refused = False
        self._refusal: tuple[HTTPStatus, str | None] = HTTPStatus.BAD_REQUEST, None
        self.url, self.headers = b"", []
        self._head_comes, self._body_came, self._complete = True, False, False
        # Bytes: of this piece, an upper bound for this head, and those in whole pieces without any progress.
        self._piece = self._head_at_most = self._idle = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head, or for as long as it takes to say that there are too many."""
        super().connection_made(CoalescingTransport(transport, self.loop))
        surplus = len(self.connections) - self._settings.max_connections
        if surplus > MAX_SURPLUS:
            self.transport.abort()
        seconds = self._settings.header_timeout
        if surplus > 0:
            self.app = refusals.come_later
            seconds = min(seconds, SURPLUS_SECONDS)
        self._arrival_due = self.loop.time() + seconds
        self._timer = self.loop.call_later(seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse a piece; most requests come in one, and need no more than that."""
        if self._refused:
            return
        self._complete = False
        self._piece = len(data)
        self._head_at_most += self._piece
        self._unset_keepalive_if_required()
        try:
            self._parse(memoryview(data))
        except HttpParserError:
            self._refuse(*self._refusal)
        if not self._complete:
            self._await_rest()

    def _parse(self, data: memoryview) -> None:
        """Feed the parser; when it stops before a body for another protocol, start anew without that offer."""
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
        """Hand the request over, unless its head is too large or could be read in two ways."""
        if len(self.headers) > MAX_HEADERS or (self._head_at_most > self._max_head and self._is_head_too_large()):
            self._stop(self._too_large())
        method, _, version = self._start_line()
        if (fault := framing.fault(method, version, self.headers)) is not None:
            self._stop(HTTPStatus.BAD_REQUEST, fault)
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        # What comes behind a chunked body is not among the headers that the app reads.
        self.headers = []
        self._head_comes, self._arrival_due = False, inf

    def _stop(self, status: HTTPStatus, detail: str | None = None) -> NoReturn:
        self._refusal = status, detail
        raise _Refused

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_came = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing: it is the service's turn."""
        if self.parser.should_upgrade():
            # Not complete at all: the head is about to be read again.
            return
        self._head_comes, self._complete, self._arrival_due = True, True, inf
        # The next head may begin in this piece.
        self._head_at_most = self._piece
        super().on_message_complete()

    def _await_rest(self) -> None:
        """Wait for the rest of a head or a body, unless too much has come that is neither a body nor ends."""
        if self._arrival_due == inf:
            seconds = self._settings.header_timeout if self._head_comes else self._settings.transfer_timeout
            self._arrival_due = self.loop.time() + seconds
            self._idle = 0
        elif not self._body_came:
            self._idle += self._piece
        self._body_came = False
        if self._idle > self._max_head or (self._head_comes and self._is_head_too_large()):
            self._refuse(self._too_large())

    def pause_writing(self) -> None:
        """Wait for the client to take what it was sent."""
        self._await_taking()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on: the client takes it."""
        self._taking_due = inf
        super().resume_writing()

    def _look(self) -> None:
        """End the connection if something is overdue: one timer for all, so that a request costs none."""
        now = self.loop.time()
        if now >= self._arrival_due:
            self._end_waiting(now)
        if now >= self._taking_due:
            self._end_sending()
        if self.transport.is_closing() and self._taking_due == inf:
            self._await_taking()
        due = min(self._arrival_due, self._taking_due, now + self._settings.header_timeout)
        self._timer = self.loop.call_later(due - now, self._look)

    def _end_waiting(self, now: float) -> None:
        if self.flow.read_paused or (self._head_comes and not self._has_answered()):
            # It is not the client that is late: the app has to take what has come, or to answer what came before.
            self._arrival_due = now + self._settings.transfer_timeout
        else:
            self._arrival_due = inf
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _end_sending(self) -> None:
        if self.transport.get_write_buffer_size() < self._unsent:
            self._await_taking()
        else:
            # Closing would wait for what is not taken.
            self.transport.abort()

    def _await_taking(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._taking_due = self.loop.time() + self._settings.transfer_timeout

    def _refuse(self, status: HTTPStatus, detail: str | None = None) -> None:
        """End the connection, and say why if no answer is under way in which that would end up."""
        if self._refused or self.transport.is_closing():
            return
        request_id = request_id_of(self._coming())
        log.info("connection.refused", status=status.value, request_id=request_id)
        self._refused = True
        if self._may_answer():
            self.transport.write(refusals.rendered(status, detail, request_id, self.server_state.default_headers))
            self.transport.write_eof()
            self._leave()
            self._timer.cancel()
            self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        else:
            self.transport.close()

    def _coming(self) -> Scope:
        """Return the request of which something is still to come, as far as it is known."""
        cycle = self._current()
        return {"headers": self.headers} if self._head_comes or cycle is None else cast("Scope", cycle.scope)

    def _leave(self) -> None:
        """Let the app know that nobody hears it any more."""
        if (cycle := self._current()) is not None:
            cycle.disconnected = True
            cycle.message_event.set()

    def _may_answer(self) -> bool:
        if self._head_comes:
            # Who has sent nothing has asked nothing: browsers open connections that they may need.
            return self._has_answered() and self._piece > 0
        return not self.pipeline and not self.cycle.response_started

    def _has_answered(self) -> bool:
        cycle = self._current()
        return cycle is None or cycle.response_complete

    def _current(self) -> RequestResponseCycle | None:
        return cast("RequestResponseCycle | None", self.cycle)

    def _too_large(self) -> HTTPStatus:
        too_long = self._head_comes and len(self.url) > self._max_head
        return HTTPStatus.REQUEST_URI_TOO_LONG if too_long else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    def _is_head_too_large(self) -> bool:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self._max_head
