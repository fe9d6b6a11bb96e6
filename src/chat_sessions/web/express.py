"""The express lane: reads that FastAPI has validated before are answered without its machinery.

Routing, dependencies and validation cost three times as much as all the rest of a cached read. Yet what they find out
depends on the token and the query string alone. Where both are known, the handler's own steps follow at once; whatever
is unknown, unusual or wrong takes the ordinary way.
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
from chat_sessions.web.dependencies import State
from chat_sessions.web.problems import own
from chat_sessions.web.routes import sessions

ROUTES: Mapping[str, APIRoute] = {each.name: each for each in sessions.router.routes if isinstance(each, APIRoute)}
LIST = ROUTES["list_sessions"]
GET = ROUTES["get_session"]
BELOW = f"{LIST.path}/"
# As we and our clients mint them: nothing else below the list's path looks like one.
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
AUTHORIZATION, IF_NONE_MATCH = b"authorization", b"if-none-match"


class Read(NamedTuple):
    """A read that may take the lane."""

    user: User
    route: APIRoute
    answer: Coroutine[Any, Any, Representation]
    if_none_match: str | None


class ExpressLane:
    """Below what is around every request, and above what looks at bodies: those of reads are not read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a read that is known; hand on all else."""
        read = _known(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if read is None:
            await self._app(scope, receive, send)
            return
        scope["route"], scope["user_id"] = read.route, read.user.id
        try:
            response = sessions.conditional(await read.answer, read.if_none_match)
        except ChatSessionsError as error:
            response = own(error)
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
    state = cast("State", scope["state"])
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


def _admission(state: State, user: User) -> Admission:
    return None if state["rate_limit"] is None else state["rate_limit"].admit(user.id)
