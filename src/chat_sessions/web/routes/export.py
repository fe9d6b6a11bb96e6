"""Export everything that a user has."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from chat_sessions.contract.examples import MESSAGE, SUMMARY
from chat_sessions.errors import BadRequest, DatabaseUnavailable, TooManyExports, TooManyRequests, Unauthorized
from chat_sessions.web.dependencies import CurrentUser, Sessions
from chat_sessions.web.problems import documented
from chat_sessions.web.user_route import UserRoute

router = APIRouter(prefix="/api/chat/export", tags=["sessions"], route_class=UserRoute)

MEDIA_TYPE: Final = "application/x-ndjson"
DISPOSITION: Final[dict[str, Any]] = {
    "Content-Disposition": {
        "description": "Suggests a file name.",
        "required": True,
        "schema": {"type": "string"},
        "example": 'attachment; filename="chats-2026-11-26.ndjson"',
    }
}
EXAMPLE: Final = json.dumps({**SUMMARY, "messages": [MESSAGE]}) + "\n"
FILE: Final[dict[str, Any]] = {
    "description": "One session per line.",
    "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": EXAMPLE}},
    "headers": DISPOSITION,
}


class ExportResponse(StreamingResponse):
    """Ends the export when the client has gone."""

    def __init__(self, first: bytes, further: AsyncGenerator[bytes]) -> None:
        name = f"chats-{datetime.now(UTC):%Y-%m-%d}.ndjson"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        super().__init__(_chained(first, further), media_type=MEDIA_TYPE, headers=headers)
        self._further = further

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._further):
            await super().__call__(scope, receive, send)


async def _chained(first: bytes, further: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in further:
        yield chunk


@router.get(
    "",
    operation_id="exportSessions",
    summary="Export everything",
    response_class=Response,
    responses={
        200: FILE,
        **documented(Unauthorized, BadRequest, TooManyRequests, TooManyExports, DatabaseUnavailable),
    },
)
async def export_sessions(user: CurrentUser, sessions: Sessions) -> Response:
    """Stream all sessions with all their messages, one session per line of JSON, as `chat-sessions import` reads them.

    A session that is deleted meanwhile is left out. If the export fails, the connection ends before the response does.
    One export per user runs at a time.
    """
    chunks = sessions.export(user.id)
    # The first chunk now: an error before it still has a status of its own.
    first = await anext(chunks, b"")
    return ExportResponse(first, chunks)
