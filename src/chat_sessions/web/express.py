"""The express lane: serves reads and deletions whose token and query string were validated before, bypassing FastAPI.

Routing, dependencies and validation cost three times as much as the rest of a cached read, and a third of a deletion,
yet depend only on the token and the query string. Every other request takes the ordinary route.
"""

import re
from collections.abc import Container, Coroutine, Mapping
from typing import Any, NamedTuple, cast

from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chat_sessions.contract.representation import Representation
from chat_sessions.contract.user import User
from chat_sessions.errors import ChatSessionsError
from chat_sessions.model import Admission
from chat_sessions.web.dependencies import AppState
from chat_sessions.web.problem_responses import problem_response
from chat_sessions.web.routes import sessions

ROUTES: Mapping[str, APIRoute] = {each.name: each for each in sessions.router.routes if isinstance(each, APIRoute)}
LIST = ROUTES["list_sessions"]
GET = ROUTES["get_session"]
DELETE = ROUTES["delete_session"]
BELOW = f"{LIST.path}/"
# A UUID in lower case: no other route below the list's path matches.
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = re.compile(UUID)
AUTHORIZATION, IF_NONE_MATCH = b"authorization", b"if-none-match"
# Reads ignore their body and If-Match.
READ_HEADERS = {AUTHORIZATION, IF_NONE_MATCH}
DELETE_HEADERS = {AUTHORIZATION, b"if-match", b"content-length", b"transfer-encoding"}


class Accepted(NamedTuple):
    """A request that the express lane serves."""

    user: User
    route: APIRoute
    response: Coroutine[Any, Any, Response]


class ExpressLane:
    """Runs inside the middleware that every request needs, and outside the one that limits bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that the express lane accepts; pass on every other one."""
        accepted = _accept(scope) if scope["type"] == "http" else None
        if accepted is None:
            await self._app(scope, receive, send)
            return
        await serve(accepted, scope, receive, send)


async def serve(accepted: Accepted, scope: Scope, receive: Receive, send: Send) -> None:
    """Respond to an accepted request."""
    scope["route"], scope["user_id"] = accepted.route, accepted.user.id
    try:
        response = await accepted.response
    except ChatSessionsError as error:
        response = problem_response(error)
    await response(scope, receive, send)


def _accept(scope: Scope) -> Accepted | None:
    match scope["method"]:
        case "GET":
            return _read(scope)
        case "DELETE":
            return _deletion(scope)
    return None


def _read(scope: Scope) -> Accepted | None:
    path: str = scope["path"]
    session_id = "" if path == LIST.path else _session_id(path)
    headers = distinct_headers(scope, READ_HEADERS)
    if session_id is None or headers is None or (user := remembered_user(scope, headers)) is None:
        return None
    tag = headers.get(IF_NONE_MATCH)
    response = _opened(scope, user, session_id) if session_id else _listed(scope, user)
    if response is None:
        return None
    route = GET if session_id else LIST
    return Accepted(user, route, _conditional(response, None if tag is None else tag.decode("latin-1")))


def _listed(scope: Scope, user: User) -> Coroutine[Any, Any, Representation] | None:
    state = cast("AppState", scope["state"])
    query = state["parsed_queries"].lists.get(scope["query_string"])
    return None if query is None else state["sessions"].list(user.id, query, _admission_of(state, user))


def _opened(scope: Scope, user: User, session_id: str) -> Coroutine[Any, Any, Representation] | None:
    state = cast("AppState", scope["state"])
    query = state["parsed_queries"].messages.get(scope["query_string"])
    return None if query is None else state["sessions"].get(user.id, session_id, query, _admission_of(state, user))


def _deletion(scope: Scope) -> Accepted | None:
    session_id, headers = _session_id(scope["path"]), distinct_headers(scope, DELETE_HEADERS)
    if session_id is None or scope["query_string"] or headers is None or len(headers) > 1:
        return None
    user = remembered_user(scope, headers)
    return None if user is None else Accepted(user, DELETE, _delete(scope, user, session_id))


def _session_id(path: str) -> str | None:
    """Return the UUID in a session's path, or None."""
    session_id = path.removeprefix(BELOW)
    return session_id if _ID.fullmatch(session_id) else None


def distinct_headers(scope: Scope, names: Container[bytes]) -> dict[bytes, bytes] | None:
    """Return the named headers, or None if one of them is repeated."""
    headers = [each for each in scope["headers"] if each[0] in names]
    given = dict(headers)
    return given if len(given) == len(headers) else None


def remembered_user(scope: Scope, headers: Mapping[bytes, bytes]) -> User | None:
    """Return the user of a token that was verified before."""
    scheme, _, token = headers.get(AUTHORIZATION, b"").partition(b" ")
    authenticator = cast("AppState", scope["state"])["authenticator"]
    return authenticator.remembered(token.decode("latin-1")) if scheme == b"Bearer" else None


async def _conditional(representation: Coroutine[Any, Any, Representation], if_none_match: str | None) -> Response:
    return sessions.conditional(await representation, if_none_match)


async def _delete(scope: Scope, user: User, session_id: str) -> Response:
    state = cast("AppState", scope["state"])
    await admit(state, user)
    return await sessions.delete_session(user, state["sessions"], session_id, None)


async def admit(state: AppState, user: User) -> None:
    """Count a request of the user; raise TooManyRequests."""
    if (admission := _admission_of(state, user)) is not None:
        await admission


def _admission_of(state: AppState, user: User) -> Admission:
    """Return an awaitable that counts a request of the user, or None without a rate limit."""
    return None if state["rate_limit"] is None else state["rate_limit"].admit(user.id)
