"""The express lane: serves reads whose token and query string were validated before, without FastAPI's machinery.

Routing, dependencies and validation cost three times as much as the rest of a cached read, and depend on nothing but
the token and the query string. Anything unknown, unusual or wrong takes the ordinary route.
"""

import re
from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple, cast

from fastapi.routing import APIRoute
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
BELOW = f"{LIST.path}/"
# A UUID in lower case: no other route below the list's path matches.
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
AUTHORIZATION, IF_NONE_MATCH = b"authorization", b"if-none-match"


class Read(NamedTuple):
    """A read that can be served here."""

    user: User
    route: APIRoute
    response: Coroutine[Any, Any, Representation]
    if_none_match: str | None


class ExpressLane:
    """Inside the middleware of every request, outside the one that reads bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a known read; pass on everything else."""
        read = _known(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if read is None:
            await self._app(scope, receive, send)
            return
        scope["route"], scope["user_id"] = read.route, read.user.id
        try:
            response = sessions.conditional(await read.response, read.if_none_match)
        except ChatSessionsError as error:
            response = problem_response(error)
        await response(scope, receive, send)


def _known(scope: Scope) -> Read | None:
    path: str = scope["path"]
    session_id = None if path == LIST.path else path.removeprefix(BELOW)
    if session_id is not None and not _ID.fullmatch(session_id):
        return None
    headers = [each for each in scope["headers"] if each[0] in {AUTHORIZATION, IF_NONE_MATCH}]
    given = dict(headers)
    scheme, _, token = given.get(AUTHORIZATION, b"").partition(b" ")
    if scheme != b"Bearer" or len(given) != len(headers):
        return None
    state = cast("AppState", scope["state"])
    user = state["authenticator"].remembered(token.decode("latin-1"))
    if user is None:
        return None
    tag = given.get(IF_NONE_MATCH)
    if_none_match = None if tag is None else tag.decode("latin-1")
    query: bytes = scope["query_string"]
    if session_id is None:
        page = state["known"].lists.get(query)
        return page and Read(user, LIST, state["sessions"].list(user.id, page, _admission(state, user)), if_none_match)
    messages = state["known"].messages.get(query)
    return messages and Read(
        user, GET, state["sessions"].get(user.id, session_id, messages, _admission(state, user)), if_none_match
    )


def _admission(state: AppState, user: User) -> Admission:
    return None if state["rate_limit"] is None else state["rate_limit"].admit(user.id)
