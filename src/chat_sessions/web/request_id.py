"""The id by which a request is found in the log, whoever answers it."""

import re
from collections.abc import Iterable
from secrets import token_hex

from starlette.types import Scope

HEADER = b"x-request-id"
_TAKEN = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_MINTED_BYTES = 16
_KEY = "chat_sessions.request_id"


def request_id_of(scope: Scope) -> str:
    """Return the client's own if it can stand in a log, or else one that stays with the request."""
    known: str | None = scope.get(_KEY)
    if known is None:
        known = scope[_KEY] = _given(scope["headers"]) or token_hex(_MINTED_BYTES)
    return known


def header_of(request_id: str) -> tuple[bytes, bytes]:
    """Return the header that tells it to the client."""
    return HEADER, request_id.encode()


def _given(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == HEADER and _TAKEN.fullmatch(value):
            return value.decode()
    return None
