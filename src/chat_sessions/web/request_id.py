"""The request id, in logs and in the X-Request-ID header."""

import re
from collections.abc import Iterable

from starlette.types import Scope

from chat_sessions.unique import unique_name

HEADER = b"x-request-id"
_VALID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_KEY = "chat_sessions.request_id"


def request_id_of(scope: Scope) -> str:
    """Return the client's id if it is safe to log, or a random one, and keep it in the scope."""
    request_id: str | None = scope.get(_KEY)
    if request_id is None:
        request_id = scope[_KEY] = _from_client(scope["headers"]) or unique_name()
    return request_id


def header_of(request_id: str) -> tuple[bytes, bytes]:
    """Return the response header."""
    return HEADER, request_id.encode()


def _from_client(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == HEADER and _VALID.fullmatch(value):
            return value.decode()
    return None
