"""The event feed as server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from chat_sessions.cache.feed import Event
from chat_sessions.errors import DatabaseUnavailable, TooManyRequests, TooManyStreams, Unauthorized
from chat_sessions.web.dependencies import LastEventId, OpenStream
from chat_sessions.web.problems import documented
from chat_sessions.web.user_route import UserRoute

router = APIRouter(prefix="/api/chat/sessions/events", tags=["events"], route_class=UserRoute)

# Longer than a restart takes, shorter than people notice.
RECONNECT_MS = 1000
# Proxies must neither buffer nor compress the stream.
HEADERS: Final = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
EVENT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "data": {"type": "string"},
        "event": {"type": "string"},
        "id": {"type": "string"},
        "retry": {"type": "integer", "minimum": 0},
    },
}
STREAM: Final[dict[str, Any]] = {"content": {EventSourceResponse.media_type: {"itemSchema": EVENT_SCHEMA}}}


@router.get(
    "",
    operation_id="followSessions",
    summary="Follow your sessions",
    response_class=Response,
    responses={200: STREAM, **documented(Unauthorized, TooManyRequests, TooManyStreams, DatabaseUnavailable)},
)
async def follow_sessions(stream: OpenStream, last_event_id: LastEventId = None) -> EventSourceResponse:
    """Stream the changes of your sessions: `session.created`, `session.updated` and `session.deleted` with its `id`.

    `reset` means that events may have been missed: reload what you show. To resume, send the `id` of the last event as
    `Last-Event-ID`. The stream ends when the token expires or the service restarts.
    """
    # Not yielded to FastAPI, which would add a heartbeat of its own every 15 s.
    return EventSourceResponse(_encode(stream.events(last_event_id)), headers=HEADERS)


async def _encode(events: AsyncIterator[Event | None]) -> AsyncIterator[bytes]:
    async for event in events:
        if event is None:
            yield format_sse_event(comment="alive", retry=RECONNECT_MS)
        elif event.session_id is None:
            yield format_sse_event(event="reset", data_str="{}", id=event.id)
        else:
            data = json.dumps({"id": event.session_id})
            yield format_sse_event(event=f"session.{event.change}", data_str=data, id=event.id)
