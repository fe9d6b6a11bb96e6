"""The event feed as server-sent events."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from chat_sessions.errors import DatabaseUnavailable, TooManyRequests, TooManyStreams, Unauthorized
from chat_sessions.web.dependencies import LastEventId, OpenStream
from chat_sessions.web.problems import documented
from chat_sessions.web.user_route import UserRoute

router = APIRouter(prefix="/api/chat/sessions/events", tags=["events"], route_class=UserRoute)

# Longer than a restart takes, shorter than people notice.
RECONNECT_MS = 1000


@router.get(
    "",
    operation_id="followSessions",
    summary="Follow your sessions",
    response_class=EventSourceResponse,
    responses=documented(Unauthorized, TooManyRequests, TooManyStreams, DatabaseUnavailable),
)
async def follow_sessions(stream: OpenStream, last_event_id: LastEventId = None) -> AsyncIterator[ServerSentEvent]:
    """Stream changes of your sessions: `session.created`, `session.updated` and `session.deleted`, with their `id`.

    `reset` means that events may have been missed: reload. To resume, send the last event's id as `Last-Event-ID`.
    The stream ends when the token expires or the service restarts.
    """
    async for event in stream.events(last_event_id):
        if event is None:
            yield ServerSentEvent(comment="alive", retry=RECONNECT_MS)
        elif event.session_id is None:
            yield ServerSentEvent(event="reset", data={}, id=event.id)
        else:
            yield ServerSentEvent(event=f"session.{event.change}", data={"id": event.session_id}, id=event.id)
