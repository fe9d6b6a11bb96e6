"""List, create, open, change and delete sessions."""

from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from typing_extensions import override

from chat_sessions.contract import etags
from chat_sessions.contract.representation import Representation
from chat_sessions.contract.schemas import (
    BatchDeleted,
    BatchDeletion,
    NewSession,
    Session,
    SessionChange,
    SessionList,
    SessionSummary,
)
from chat_sessions.errors import (
    BadRequest,
    BodyTooLarge,
    DatabaseUnavailable,
    MessageIdTaken,
    PreconditionFailed,
    SessionBusy,
    SessionIdTaken,
    SessionNotFound,
    TooManyRequests,
    Unauthorized,
    UrlTooLong,
)
from chat_sessions.store.versioned import Versioned
from chat_sessions.web.dependencies import (
    CurrentUser,
    IfMatch,
    IfNoneMatch,
    ListParameters,
    MessageParameters,
    PathSessionId,
    Sessions,
)
from chat_sessions.web.problems import documented
from chat_sessions.web.user_route import UserRoute

router = APIRouter(prefix="/api/chat/sessions", tags=["sessions"], route_class=UserRoute)

ETAG_HEADER: dict[str, Any] = {
    "ETag": {"description": "Identifies this version.", "required": True, "schema": {"type": "string"}}
}
LOCATION_HEADER: dict[str, Any] = {
    "Location": {"description": "Path of the session.", "required": True, "schema": {"type": "string"}}
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Unchanged since the given ETag.", "headers": ETAG_HEADER}
}
# As numbers: the enum's members take 1 µs to look up.
OK, UNCHANGED = HTTPStatus.OK.value, HTTPStatus.NOT_MODIFIED.value
REVALIDATED_PER_USER = ((b"cache-control", b"private, no-cache"), (b"vary", b"Authorization"))
ALWAYS = (Unauthorized, BadRequest, TooManyRequests, DatabaseUnavailable)


@router.get(
    "",
    operation_id="listSessions",
    summary="List sessions",
    response_model=SessionList,
    response_description="A page of your sessions.",
    responses={200: {"headers": ETAG_HEADER}, **NOT_MODIFIED, **documented(*ALWAYS, UrlTooLong)},
)
async def list_sessions(
    user: CurrentUser, sessions: Sessions, query: ListParameters, if_none_match: IfNoneMatch = None
) -> Response:
    """Return a page of your sessions: pinned ones first, then those with the latest messages."""
    return conditional(await sessions.list(user.id, query), if_none_match)


@router.post(
    "",
    operation_id="createSession",
    summary="Create a session",
    status_code=HTTPStatus.CREATED,
    response_model=SessionSummary,
    responses={
        200: {
            "model": SessionSummary,
            "description": "Already created by an earlier request.",
            "headers": {**ETAG_HEADER, **LOCATION_HEADER},
        },
        201: {"description": "Created.", "headers": {**ETAG_HEADER, **LOCATION_HEADER}},
        **documented(*ALWAYS, SessionIdTaken, MessageIdTaken, BodyTooLarge),
    },
)
async def create_session(
    request: Request, user: CurrentUser, sessions: Sessions, new: NewSession | None = None
) -> Response:
    """Create a session. With your own `id` the request is safe to repeat. Without a body the session is empty."""
    created = await sessions.create(user.id, new or NewSession())
    response = versioned(created.summary, HTTPStatus.CREATED if created.is_new else HTTPStatus.OK)
    path = request.app.url_path_for("get_session", session_id=created.id)
    response.headers["Location"] = request.scope["root_path"] + path
    return response


@router.post(
    "/batch-delete",
    operation_id="batchDeleteSessions",
    summary="Delete many sessions",
    response_model=BatchDeleted,
    response_description="Deleted, or with `dry_run` what would be.",
    responses=documented(*ALWAYS, SessionBusy, BodyTooLarge),
)
async def batch_delete_sessions(user: CurrentUser, sessions: Sessions, batch: BatchDeletion) -> Response:
    """Delete the sessions in `ids`, or those that match `filter`; `dry_run` only returns them.

    Many sessions are deleted in several transactions: if the request fails, some may be deleted. Repeat it.
    """
    length, parts = (await sessions.delete_batch(user.id, batch)).json()
    return StreamingResponse(_async(parts), media_type="application/json", headers={"Content-Length": str(length)})


async def _async(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@router.get(
    "/{session_id}",
    operation_id="getSession",
    summary="Open a session",
    response_model=Session,
    response_description="The session with a page of its messages.",
    responses={200: {"headers": ETAG_HEADER}, **NOT_MODIFIED, **documented(*ALWAYS, SessionNotFound)},
)
async def get_session(
    user: CurrentUser,
    sessions: Sessions,
    session_id: PathSessionId,
    query: MessageParameters,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a session with its newest messages, or with those before a sequence."""
    return conditional(await sessions.get(user.id, session_id, query), if_none_match)


@router.patch(
    "/{session_id}",
    operation_id="changeSession",
    summary="Change a session",
    response_model=SessionSummary,
    response_description="The session as changed.",
    responses={
        200: {"headers": ETAG_HEADER},
        **documented(*ALWAYS, SessionNotFound, PreconditionFailed, BodyTooLarge),
    },
)
async def change_session(
    user: CurrentUser, sessions: Sessions, session_id: PathSessionId, change: SessionChange, if_match: IfMatch
) -> Response:
    """Rename, pin or archive a session, or patch its metadata. `updated_at` stays, so the session keeps its place."""
    return versioned(await sessions.change(user.id, session_id, change, if_match), HTTPStatus.OK)


@router.delete(
    "/{session_id}",
    operation_id="deleteSession",
    summary="Delete a session",
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "Deleted."}, **documented(*ALWAYS, SessionNotFound, PreconditionFailed)},
)
async def delete_session(
    user: CurrentUser, sessions: Sessions, session_id: PathSessionId, if_match: IfMatch
) -> Response:
    """Delete a session and its messages for good: no reader sees it again, and no late writer restores it."""
    await sessions.delete(user.id, session_id, if_match)
    return Response(status_code=HTTPStatus.NO_CONTENT)


class RepresentationResponse(Response):
    """A response with an ETag. Starlette would encode each header anew, which takes 4 µs."""

    def __init__(self, etag: str, body: bytes | None) -> None:
        """Without a body, the status is 304."""
        self._etag = etag
        super().__init__(body, UNCHANGED if body is None else OK)

    @override
    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        self.raw_headers = [*REVALIDATED_PER_USER, (b"etag", self._etag.encode("latin-1"))]
        if self.status_code == OK:
            length = str(len(self.body)).encode()
            self.raw_headers += ((b"content-length", length), (b"content-type", b"application/json"))


def conditional(representation: Representation, if_none_match: str | None) -> Response:
    """Return 304 if the caller has this representation already, otherwise 200."""
    known = if_none_match is not None and etags.matches(if_none_match, representation.etag)
    return RepresentationResponse(representation.etag, None if known else representation.body)


def versioned(body: Versioned[bytes], status: HTTPStatus) -> Response:
    """Return JSON with the ETag of its session."""
    headers = {"ETag": etags.of_version(body.version), "Cache-Control": "private, no-cache"}
    return Response(body.value, status, headers, "application/json")
