"""Request ids, request logs, request metrics, headers of every response, and the body limit."""

import re
from collections.abc import Iterable
from time import perf_counter

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_sessions.errors import BodyTooLarge, Unavailable
from chat_sessions.limits import ByteBudget
from chat_sessions.telemetry.labels import method_of, route_of
from chat_sessions.telemetry.request_log import ServedRequest
from chat_sessions.telemetry.served import ServedRequests
from chat_sessions.web.connection.framing import Header, expects_continue
from chat_sessions.web.drain import Drain
from chat_sessions.web.problem_responses import problem_response
from chat_sessions.web.request_id import header_of, request_id_of

# nginx's status for a client that disconnected before the response.
CLIENT_CLOSED_REQUEST = 499

# The buffer of a connection, which costs nothing extra.
FREE_BYTES = 64 * 1024
# Worker and engine together need up to twenty times as much to process them.
LARGE_BODIES_BYTES = 4 * 1024 * 1024
LARGE_BODY_WAIT_SECONDS = 10
MANY_LARGE_BODIES = "Too many large bodies in progress. Try again, or send less per request."


class RequestMiddleware:
    """The outermost layer; pure ASGI, because BaseHTTPMiddleware halves the throughput."""

    def __init__(self, app: ASGIApp, served: ServedRequests, drain: Drain, headers: Iterable[Header]) -> None:
        """`headers` are added to every response."""
        self._app = app
        self._served = served
        self._drain = drain
        self._headers = tuple(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve and record a request; pass other scopes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        started = perf_counter()
        status, disconnected, reads_body = 0, False, False

        async def receive_watched() -> Message:
            nonlocal disconnected, reads_body
            reads_body = True
            message = await receive()
            disconnected = disconnected or message["type"] == "http.disconnect"
            return message

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                # FastAPI responds to a disconnect during the body as to malformed JSON.
                status = CLIENT_CLOSED_REQUEST if disconnected else int(message["status"])
                message["headers"] = [*message["headers"], *self._headers, header_of(request_id)]
                if self._drain.in_progress or (not reads_body and expects_continue(scope["headers"])):
                    # Without 100 Continue the client may or may not send the body, so the connection has no safe reuse.
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        # Never unbound: the server runs each request in its own context.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive_watched, send_with_id)
        except ClientDisconnect:
            return
        finally:
            method, route, user = method_of(scope), route_of(scope), scope.get("user_id")
            seconds = perf_counter() - started
            served = ServedRequest(request_id, method, route, status or CLIENT_CLOSED_REQUEST, seconds, user)
            self._served.add(served)


class BodyLimit:
    """Limits each body, declared or streamed, and the memory of all of them; responds with a problem document.

    Bodies of GET have no meaning (RFC 9110, 9.3.1) and are not read.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, budget: ByteBudget) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body is within the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] != "GET" and _content_length(scope) > self._max_bytes:
            await problem_response(BodyTooLarge(self._max_bytes))(scope, receive, send)
        else:
            holder = object()
            try:
                await self._app(scope, self._limited(receive, holder), send)
            finally:
                self._budget.release(holder)

    def _limited(self, receive: Receive, holder: object) -> Receive:
        received = unpaid = 0

        async def receive_limited() -> Message:
            nonlocal received, unpaid
            message = await receive()
            size = len(message.get("body", b""))
            received += size
            unpaid += size
            # HTTPException is the only exception that FastAPI re-raises while it reads a body.
            if received > self._max_bytes:
                raise HTTPException(BodyTooLarge.status) from BodyTooLarge(self._max_bytes)
            if received > FREE_BYTES:
                try:
                    await self._budget.acquire(holder, unpaid)
                except Unavailable as error:
                    raise HTTPException(error.status) from error
                unpaid = 0
            return message

        return receive_limited


def large_bodies() -> ByteBudget:
    """Return the memory budget of a worker's large bodies."""
    return ByteBudget(LARGE_BODIES_BYTES, LARGE_BODY_WAIT_SECONDS, lambda: Unavailable(MANY_LARGE_BODIES))


def _content_length(scope: Scope) -> int:
    value = Headers(scope=scope).get("content-length", "")
    # ASCII digits only, and truncated: 20 digits exceed every limit.
    return int(value[:20]) if re.fullmatch(r"[0-9]+", value) else 0
