"""What a client is told when the server ends its connection without asking the app."""

from collections.abc import Iterable
from http import HTTPStatus

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from chat_sessions.errors import Unavailable
from chat_sessions.web.problems import ProblemResponse, own
from chat_sessions.web.request_id import header_of, request_id_of

Header = tuple[bytes, bytes]

DETAILS = {
    HTTPStatus.BAD_REQUEST: "This is not a valid HTTP request.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time; send it again, and faster.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The URL is longer than the service accepts.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are larger, or more, than the service accepts.",
}


def rendered(status: HTTPStatus, detail: str | None, request_id: str, default_headers: Iterable[Header]) -> bytes:
    """Return the whole response, after which the connection ends."""
    response = ProblemResponse(status, detail or DETAILS[status])
    headers = [*default_headers, *response.raw_headers, *_parting(request_id)]
    lines = (b"%s: %s\r\n" % header for header in headers)
    return b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", bytes(response.body)])


async def come_later(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer any request with 503: an app for the connections beyond the limit."""
    response = own(Unavailable("This worker has as many connections as it takes; try again."))
    response.raw_headers.extend(_parting(request_id_of(scope)))
    await response(scope, receive, send)


def _parting(request_id: str) -> tuple[Header, ...]:
    # No middleware sees this response.
    return header_of(request_id), (b"connection", b"close")
