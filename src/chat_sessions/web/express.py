"""The express lane: serves reads and deletions of which everything was validated before, without FastAPI's machinery.

Routing, dependencies and validation cost three times as much as the rest of a cached read, and a third of a deletion.
They depend on nothing but the token and the query string. Anything unknown, unusual or wrong takes the ordinary route.
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
from chat_sessions.web.problems import problem_response
from chat_sessions.web.routes import sessions

ROUTES: Mapping[str, APIRoute] = {each.name: each for each in sessions.router.routes if isinstance(each, APIRoute)}
LIST = ROUTES["list_sessions"]
GET = ROUTES["get_session"]
DELETE = ROUTES["delete_session"]
BELOW = f"{LIST.path}/"
# A UUID in lower case: no other route below the list's path matches.
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
AUTHORIZATION, IF_NONE_MATCH = b"authorization", b"if-none-match"
# A read ignores its body, and does not know If-Match.
OF_READS = {AUTHORIZATION, IF_NONE_MATCH}
OF_DELETIONS = {AUTHORIZATION, b"if-match", b"content-length", b"transfer-encoding"}


class Known(NamedTuple):
    """A request that can be served here."""

    user: User
    route: APIRoute
    response: Coroutine[Any, Any, Response]


class ExpressLane:
    """Inside the middleware of every request, outside the one that reads bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a known request; pass on everything else."""
        known = _known(scope) if scope["type"] == "http" else None
        if known is None:
            await self._app(scope, receive, send)
            return
        scope["route"], scope["user_id"] = known.route, known.user.id
        try:
            response = await known.response
        except ChatSessionsError as error:
            response = problem_response(error)
        await response(scope, receive, send)


def _known(scope: Scope) -> Known | None:
    match scope["method"]:
        case "GET":
            return _read(scope)
        case "DELETE":
            return _deletion(scope)
    return None


def _read(scope: Scope) -> Known | None:
    path: str = scope["path"]
    session_id = "" if path == LIST.path else _session_id(path)
    headers = _headers(scope, OF_READS)
    if session_id is None or headers is None or (user := _user(scope, headers)) is None:
        return None
    tag = headers.get(IF_NONE_MATCH)
    response = _opened(scope, user, session_id) if session_id else _listed(scope, user)
    if response is None:
        return None
    route = GET if session_id else LIST
    return Known(user, route, _conditional(response, None if tag is None else tag.decode("latin-1")))


def _listed(scope: Scope, user: User) -> Coroutine[Any, Any, Representation] | None:
    state = cast("AppState", scope["state"])
    page = state["known"].lists.get(scope["query_string"])
    return None if page is None else state["sessions"].list(user.id, page, _admission(state, user))


def _opened(scope: Scope, user: User, session_id: str) -> Coroutine[Any, Any, Representation] | None:
    state = cast("AppState", scope["state"])
    page = state["known"].messages.get(scope["query_string"])
    return None if page is None else state["sessions"].get(user.id, session_id, page, _admission(state, user))


def _deletion(scope: Scope) -> Known | None:
    session_id, headers = _session_id(scope["path"]), _headers(scope, OF_DELETIONS)
    if session_id is None or scope["query_string"] or headers is None or len(headers) > 1:
        return None
    user = _user(scope, headers)
    return None if user is None else Known(user, DELETE, _delete(scope, user, session_id))


def _session_id(path: str) -> str | None:
    """Return the UUID in the path of a session, or None."""
    session_id = path.removeprefix(BELOW)
    return session_id if _ID.fullmatch(session_id) else None


def _headers(scope: Scope, names: Container[bytes]) -> dict[bytes, bytes] | None:
    """Return the named headers, or None if there are two of a name."""
    headers = [each for each in scope["headers"] if each[0] in names]
    given = dict(headers)
    return given if len(given) == len(headers) else None


def _user(scope: Scope, headers: Mapping[bytes, bytes]) -> User | None:
    """Return the user of a token that was verified before."""
    scheme, _, token = headers.get(AUTHORIZATION, b"").partition(b" ")
    authenticator = cast("AppState", scope["state"])["authenticator"]
    return authenticator.remembered(token.decode("latin-1")) if scheme == b"Bearer" else None


async def _conditional(representation: Coroutine[Any, Any, Representation], if_none_match: str | None) -> Response:
    return sessions.conditional(await representation, if_none_match)


async def _delete(scope: Scope, user: User, session_id: str) -> Response:
    state = cast("AppState", scope["state"])
    if (admission := _admission(state, user)) is not None:
        await admission
    return await sessions.delete_session(user, state["sessions"], session_id, None)


def _admission(state: AppState, user: User) -> Admission:
    return None if state["rate_limit"] is None else state["rate_limit"].admit(user.id)
