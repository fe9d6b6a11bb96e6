"""Append and replace the messages of a session, and cut them off."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from chat_sessions.contract.messages import AppendedMessages, Message, NewMessage, NewMessages
from chat_sessions.errors import (
    BadRequest,
    BodyTooLarge,
    DatabaseUnavailable,
    EndMoved,
    MessageIdTaken,
    MessageNotFound,
    PreconditionFailed,
    SessionBusy,
    SessionNotFound,
    TooManyRequests,
    Unauthorized,
)
from chat_sessions.web.dependencies import CurrentUser, FromSequence, IfMatch, PathMessageId, PathSessionId, Sessions
from chat_sessions.web.problems import documented
from chat_sessions.web.routes.sessions import ETAG_HEADER, versioned
from chat_sessions.web.user_route import UserRoute

router = APIRouter(prefix="/api/chat/sessions/{session_id}/messages", tags=["messages"], route_class=UserRoute)

ALWAYS = (Unauthorized, BadRequest, TooManyRequests, DatabaseUnavailable)


@router.post(
    "",
    operation_id="appendMessages",
    summary="Append messages",
    status_code=HTTPStatus.CREATED,
    response_model=AppendedMessages,
    response_description="Appended.",
    responses=documented(*ALWAYS, SessionNotFound, SessionBusy, MessageIdTaken, EndMoved, BodyTooLarge),
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


@router.put(
    # Ids of messages may contain slashes.
    "/{message_id:path}",
    operation_id="replaceMessage",
    summary="Replace a message",
    response_model=Message,
    responses={
        200: {"description": "Replaced.", "headers": ETAG_HEADER},
        **documented(*ALWAYS, MessageNotFound, SessionBusy, PreconditionFailed, BodyTooLarge),
    },
)
async def replace_message(  # noqa: PLR0913, PLR0917  each is a part of the request
    user: CurrentUser,
    sessions: Sessions,
    session_id: PathSessionId,
    message_id: PathMessageId,
    message: NewMessage,
    if_match: IfMatch,
) -> Response:
    """Replace a message, such as an answer that has grown, or an edited question. It keeps its sequence and its time.

    The `id` in the body may be omitted. `updated_at` of the session stays, and its ETag changes.
    """
    replaced = await sessions.replace(user.id, session_id, message_id, message, if_match)
    return versioned(replaced, HTTPStatus.OK)


@router.delete(
    "",
    operation_id="cutMessages",
    summary="Cut messages off",
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "Deleted."}, **documented(*ALWAYS, SessionNotFound, PreconditionFailed)},
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
