"""Around every request: its id, its line in the log, its metrics, an answer when it hits a bug, and its limit."""

import re
from collections.abc import Callable
from functools import lru_cache
from time import perf_counter

import structlog
from anyio import BrokenResourceError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from chat_sessions.errors import BodyTooLarge, Unavailable
from chat_sessions.telemetry.labels import method_of, route_of
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.turns import Budget
from chat_sessions.web.connection.framing import awaits_permission
from chat_sessions.web.drain import Drain
from chat_sessions.web.problems import internal_error, own
from chat_sessions.web.request_id import header_of, request_id_of

log = structlog.get_logger("chat_sessions.requests")

# Nobody waits for the answer any more; nginx's word for it, which log tools know.
CLIENT_LEFT = 499
OPERATORS_ROUTES = frozenset(("/healthz", "/readyz", "/metrics"))

# As much as the server buffers of any connection.
FREE_BYTES = 64 * 1024
# Worker and engine together need up to ten times as much for what becomes of them.
LARGE_BODIES_BYTES = 8 * 1024 * 1024
LARGE_BODY_WAIT_SECONDS = 10
MANY_LARGE_BODIES = "Too many large bodies are being read at once; try again, or send less at once."

# Finding a series among its siblings costs more than counting.
MAX_SERIES = 512


class RequestMiddleware:
    """The outermost layer; pure ASGI, for BaseHTTPMiddleware halves the throughput."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        lines: FilteringBoundLogger,
        name_of: Callable[[str], str],
        drain: Drain,
    ) -> None:
        self._app = app
        self._requests = lru_cache(MAX_SERIES)(metrics.requests.labels)
        self._latency = lru_cache(MAX_SERIES)(metrics.latency.labels)
        self._lines = lines
        self._name_of = name_of
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; what is no request goes through untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        started = perf_counter()
        status, has_left, wants_body = 0, False, False

        async def receive_noting_departure() -> Message:
            nonlocal has_left, wants_body
            wants_body = True
            message = await receive()
            has_left = has_left or message["type"] == "http.disconnect"
            return message

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                # FastAPI answers a body that has not arrived as one that cannot be read.
                status = CLIENT_LEFT if has_left else int(message["status"])
                message["headers"] = [*message["headers"], header_of(request_id)]
                if self._drain.under_way or (not wants_body and awaits_permission(scope["headers"])):
                    # The client may never send the body that nobody has asked for, nor know where its next request
                    # would begin.
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        # Never unbound: the server runs each request in a context of its own.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive_noting_departure, send_with_id)
        except Exception as error:
            if isinstance(error, ClientDisconnect) or (status and _is_departure(error)):
                return
            log.exception("request.failed", method=method_of(scope), route=route_of(scope))
            if status:
                # Half an answer cannot be taken back; the server cuts the connection.
                raise
            await internal_error()(scope, receive, send_with_id)
        finally:
            self._record(scope, request_id, status or CLIENT_LEFT, perf_counter() - started)

    def _record(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        method, route = method_of(scope), route_of(scope)
        self._requests(method, route, status).inc()
        self._latency(method, route).observe(seconds)
        user = scope.get("user_id")
        # Probes and scrapes come every few seconds for ever.
        log_line = self._lines.debug if route in OPERATORS_ROUTES else self._lines.info
        log_line(
            "request",
            request_id=request_id,
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            user=self._name_of(user) if user else None,
        )


class BodyLimit:
    """Bounds each body and the memory of all of them (Starlette's own limit answers in plain text).

    Those of GET have no meaning (RFC 9110, 9.3.1) and are not read.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, budget: Budget) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body keeps to the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] != "GET" and _content_length(scope) > self._max_bytes:
            await own(BodyTooLarge(self._max_bytes))(scope, receive, send)
        else:
            holder = object()
            try:
                await self._app(scope, self._bounded(receive, holder), send)
            finally:
                self._budget.give_back(holder)

    def _bounded(self, receive: Receive, holder: object) -> Receive:
        received = unpaid = 0

        async def receive_some() -> Message:
            nonlocal received, unpaid
            message = await receive()
            size = len(message.get("body", b""))
            received += size
            unpaid += size
            # FastAPI lets an HTTPException through while it reads a body, and nothing else.
            if received > self._max_bytes:
                raise HTTPException(BodyTooLarge.status) from BodyTooLarge(self._max_bytes)
            if received > FREE_BYTES:
                try:
                    await self._budget.take(holder, unpaid)
                except Unavailable as error:
                    raise HTTPException(error.status) from error
                unpaid = 0
            return message

        return receive_some


def large_bodies() -> Budget:
    """Return what the large bodies of a worker may take of its memory."""
    return Budget(LARGE_BODIES_BYTES, LARGE_BODY_WAIT_SECONDS, lambda: Unavailable(MANY_LARGE_BODIES))


def _is_departure(error: Exception) -> bool:
    """Whether a client has left while FastAPI was sending it an event: that fails so, and nobody is to blame."""
    return isinstance(error, ExceptionGroup) and error.split(BrokenResourceError)[1] is None


def _content_length(scope: Scope) -> int:
    given = Headers(scope=scope).get("content-length", "")
    # A longer number than any that fits; the digits of ASCII only.
    return int(given[:20]) if re.fullmatch(r"[0-9]+", given) else 0
