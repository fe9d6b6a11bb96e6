"""Error responses that the server sends without calling the app, and after which it closes the connection."""

from collections.abc import Iterable
from http import HTTPStatus

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from chat_sessions.errors import Unavailable, UrlTooLong
from chat_sessions.web.problem_responses import ProblemResponse, problem_response
from chat_sessions.web.request_id import header_of, request_id_of

Header = tuple[bytes, bytes]

DETAILS = {
    HTTPStatus.BAD_REQUEST: "Malformed HTTP request.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time. Try again.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "Headers too large or too many. Send fewer.",
}


def render(status: HTTPStatus, detail: str | None, request_id: str, default_headers: Iterable[Header]) -> bytes:
    """Return a complete response that closes the connection."""
    if status == UrlTooLong.status:
        response = problem_response(UrlTooLong())
    else:
        response = ProblemResponse(status, detail or DETAILS[status])
    headers = [*default_headers, *response.raw_headers, *_last_headers(request_id)]
    lines = (b"%s: %s\r\n" % header for header in headers)
    return b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", bytes(response.body)])


async def too_many_connections(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond 503 to any request. This is the app of connections beyond the limit."""
    response = problem_response(Unavailable("Too many connections to this worker. Try again."))
    response.raw_headers.extend(_last_headers(request_id_of(scope)))
    await response(scope, receive, send)


def _last_headers(request_id: str) -> tuple[Header, ...]:
    # These responses bypass the middleware.
    return header_of(request_id), (b"connection", b"close")
