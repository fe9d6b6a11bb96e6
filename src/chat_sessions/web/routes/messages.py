"""Append messages to a session."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from chat_sessions.contract.messages import AppendedMessages, NewMessages
from chat_sessions.errors import (
    BadRequest,
    BodyTooLarge,
    DatabaseUnavailable,
    MessageIdTaken,
    SessionBusy,
    SessionNotFound,
    TooManyRequests,
    Unauthorized,
)
from chat_sessions.web.dependencies import CurrentUser, PathSessionId, Sessions
from chat_sessions.web.problems import documented
from chat_sessions.web.user_route import UserRoute

router = APIRouter(prefix="/api/chat/sessions/{session_id}/messages", tags=["messages"], route_class=UserRoute)


@router.post(
    "",
    operation_id="appendMessages",
    summary="Append messages",
    status_code=HTTPStatus.CREATED,
    response_model=AppendedMessages,
    responses=documented(
        Unauthorized,
        BadRequest,
        SessionNotFound,
        SessionBusy,
        MessageIdTaken,
        BodyTooLarge,
        TooManyRequests,
        DatabaseUnavailable,
    ),
)
async def append_messages(
    user: CurrentUser, sessions: Sessions, session_id: PathSessionId, new: NewMessages
) -> Response:
    """Append messages in order. A message that is stored already, by its `id`, is returned as stored.

    The same `id` with other content is 409; key order, whitespace and the spelling of numbers make no difference.
    """
    body = await sessions.append(user.id, session_id, new.messages)
    return Response(body, HTTPStatus.CREATED, media_type="application/json")
