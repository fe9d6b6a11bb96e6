"""Append messages to a session, and cut them off."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from chat_sessions.contract.messages import AppendedMessages, NewMessages
from chat_sessions.errors import (
    BadRequest,
    BodyTooLarge,
    DatabaseUnavailable,
    EndMoved,
    MessageIdTaken,
    PreconditionFailed,
    SessionBusy,
    SessionNotFound,
    TooManyRequests,
    Unauthorized,
)
from chat_sessions.web.dependencies import CurrentUser, FromSequence, IfMatch, PathSessionId, Sessions
from chat_sessions.web.problems import documented
from chat_sessions.web.user_route import UserRoute

router = APIRouter(prefix="/api/chat/sessions/{session_id}/messages", tags=["messages"], route_class=UserRoute)

ALWAYS = (Unauthorized, BadRequest, SessionNotFound, TooManyRequests, DatabaseUnavailable)


@router.post(
    "",
    operation_id="appendMessages",
    summary="Append messages",
    status_code=HTTPStatus.CREATED,
    response_model=AppendedMessages,
    response_description="Appended.",
    responses=documented(*ALWAYS, SessionBusy, MessageIdTaken, EndMoved, BodyTooLarge),
)
async def append_messages(
    user: CurrentUser, sessions: Sessions, session_id: PathSessionId, new: NewMessages
) -> Response:
    """Append messages in order. A message that is stored already, by its `id`, is returned as stored.

    The same `id` with other content is 409; key order, whitespace and the spelling of numbers make no difference. With
    `after_sequence` the messages are appended only if the session still ends there.
    """
    body = await sessions.append(user.id, session_id, new)
    return Response(body, HTTPStatus.CREATED, media_type="application/json")


@router.delete(
    "",
    operation_id="cutMessages",
    summary="Cut messages off",
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "Deleted."}, **documented(*ALWAYS, PreconditionFailed)},
)
async def cut_messages(
    user: CurrentUser, sessions: Sessions, session_id: PathSessionId, from_sequence: FromSequence, if_match: IfMatch
) -> Response:
    """Delete a message and all after it, for good: to regenerate an answer, or to edit a message and resend it.

    The next message gets the sequence `from_sequence`, and `updated_at` becomes the time of the last remaining message,
    or of the creation. If the session ends before that sequence, nothing changes.
    """
    await sessions.cut(user.id, session_id, from_sequence, if_match)
    return Response(status_code=HTTPStatus.NO_CONTENT)
