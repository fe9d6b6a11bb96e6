"""The event feed as server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from chat_sessions.cache.feed import Event, Opened
from chat_sessions.contract.schemas import SessionEvent, StreamOpened
from chat_sessions.errors import DatabaseUnavailable, TooManyRequests, TooManyStreams, Unauthorized
from chat_sessions.web.dependencies import LastEventId, OpenStream
from chat_sessions.web.problems import documented
from chat_sessions.web.user_route import UserRoute

router = APIRouter(prefix="/api/chat/sessions/events", tags=["events"], route_class=UserRoute)

# Longer than a restart takes, shorter than people notice.
RECONNECT_MS = 1000
# Proxies must neither buffer nor compress the stream.
HEADERS: Final = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
STREAM: Final[dict[str, Any]] = {"model": StreamOpened | SessionEvent, "content": {EventSourceResponse.media_type: {}}}


@router.get(
    "",
    operation_id="followSessions",
    summary="Follow your sessions",
    response_class=Response,
    response_description="The stream, which stays open.",
    responses={200: STREAM, **documented(Unauthorized, TooManyRequests, TooManyStreams, DatabaseUnavailable)},
)
async def follow_sessions(stream: OpenStream, last_event_id: LastEventId = None) -> EventSourceResponse:
    """Stream the changes of your sessions as server-sent events. The `data` of each is a `SessionEvent`.

    Unless you resume, a `StreamOpened` comes first: what you requested in the `quiet_ms` before it arrived is current.
    If it does not come, and after `reset`, events may have been missed: reload what you show. To resume, send the `id`
    of the last event as `Last-Event-ID`. Comments are heartbeats. The stream ends when the token expires or the service
    restarts.
    """
    # Not yielded to FastAPI, which would add a heartbeat of its own every 15 s.
    return EventSourceResponse(_encode(stream.events(last_event_id)), headers=HEADERS)


async def _encode(events: AsyncIterator[Opened | Event | None]) -> AsyncIterator[bytes]:
    async for event in events:
        if event is None:
            yield format_sse_event(comment="alive", retry=RECONNECT_MS)
        elif isinstance(event, Opened):
            yield _encoded("opened", event.id, {"quiet_ms": event.quiet_ms}, retry=RECONNECT_MS)
        else:
            kind = f"session.{event.change}" if event.session_id is not None else "reset"
            yield _encoded(kind, event.id, {"id": event.session_id})


def _encoded(kind: str, event_id: str, fields: dict[str, Any], retry: int | None = None) -> bytes:
    data = json.dumps({"type": kind, "id": None, **fields})
    return format_sse_event(event=kind, data_str=data, id=event_id, retry=retry)
