"""The JSON of a request body, bounded before it is parsed: each value costs up to a microsecond."""

import json
import re
from asyncio import sleep
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import Headers
from typing_extensions import override

from chat_sessions.contract import spelling
from chat_sessions.errors import BadRequest, UnsupportedMediaType

MAX_VALUES = 20_000

_JSON = re.compile(r"application/(?:json|[\w.-]+\+json)", re.IGNORECASE)
NOT_JSON = "Send the body as JSON with `Content-Type: application/json`; this one has {given}."
COMPRESSED = "Send the body uncompressed, without `Content-Encoding`."


class JsonRequest(Request):
    """A request with a bounded JSON body."""

    @override
    async def body(self) -> bytes:
        """Return the body; raise HTTPException unless it is empty or JSON."""
        body = await super().body()
        if body:
            try:
                _check_type(self.headers)
            except UnsupportedMediaType as error:
                raise HTTPException(error.status) from error
        return body

    @override
    async def json(self) -> Any:
        """Return the body; raise HTTPException or json.JSONDecodeError, which FastAPI handles."""
        body = _in_utf8(await self.body())
        if not holds_at_most(MAX_VALUES, body):
            detail = f"The body has more than {MAX_VALUES:,} JSON values; send fewer per request."
            raise HTTPException(BadRequest.status) from BadRequest(detail, "body")
        # Counting and parsing megabytes each take tens of milliseconds.
        await sleep(0)
        try:
            return spelling.read(body.decode())
        except BadRequest as error:
            raise HTTPException(BadRequest.status) from error


def _check_type(headers: Headers) -> None:
    given = headers.get("content-type", "")
    if not _JSON.fullmatch(given.partition(";")[0].strip()):
        raise UnsupportedMediaType(NOT_JSON.format(given="another type" if given else "none"))
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType(COMPRESSED)


def _in_utf8(body: bytes) -> bytes:
    encoding = json.detect_encoding(body)
    return body if encoding == "utf-8" else body.decode(encoding).encode()


def holds_at_most(limit: int, body: bytes) -> bool:
    """Return whether a JSON document has at most this many values, without parsing it.

    Every value but the outermost follows a comma or an opening bracket. Counting those in strings too is faster, and
    enough for most bodies.
    """
    return _separators(body) < limit or _separators_outside_strings(body, limit) < limit


def _separators(body: bytes) -> int:
    return len(body) - len(body.translate(None, b",[{"))


def _separators_outside_strings(body: bytes, limit: int) -> int:
    # Escaped quotes end no string. Invalid JSON may be miscounted, but only after the point where the parser stops.
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"")
    if bare.count(b'"') > 4 * limit:
        # Each value has at most two strings, itself and its key.
        return limit
    outside = b"".join(bare.split(b'"')[::2])
    return _separators(outside) - outside.count(b"[]") - outside.count(b"{}")
