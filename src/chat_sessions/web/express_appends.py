"""The express lane of appends: serves small, valid ones whose token was verified before, bypassing FastAPI.

Every other request takes the ordinary route, which also reports what is wrong with it.
"""

import re
from collections import deque
from collections.abc import Collection
from typing import NamedTuple, cast

from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_sessions.contract import spelling
from chat_sessions.contract.messages import NewMessages
from chat_sessions.contract.user import User
from chat_sessions.errors import BadRequest
from chat_sessions.web.bodies import MAX_VALUES, holds_at_most
from chat_sessions.web.dependencies import AppState
from chat_sessions.web.express import (
    AUTHORIZATION,
    BELOW,
    UUID,
    Accepted,
    admit,
    distinct_headers,
    remembered_user,
    serve,
)
from chat_sessions.web.middleware import FREE_BYTES
from chat_sessions.web.routes import messages

[ROUTE] = (each for each in messages.router.routes if isinstance(each, APIRoute) and each.name == "append_messages")
_PATH = re.compile(f"{BELOW}({UUID})/messages")
CONTENT_TYPE, CONTENT_LENGTH = b"content-type", b"content-length"
REQUIRED_HEADERS = {AUTHORIZATION, CONTENT_TYPE, CONTENT_LENGTH}
HEADERS = REQUIRED_HEADERS | {b"content-encoding", b"transfer-encoding"}
# The usual ones; the ordinary route accepts more.
JSON = {b"application/json", b"application/json; charset=utf-8"}


class Target(NamedTuple):
    """The session to append to, and its user."""

    user: User
    session_id: str


class ExpressAppends:
    """Runs next to ExpressLane. Its bodies are too small to count towards the budget of large ones."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = min(max_bytes, FREE_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a valid append; pass on every other request, with the body if it has been received."""
        target = self._target(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        if target is None:
            await self._app(scope, receive, send)
            return
        received = await _body(receive)
        new = _new_messages(received)
        if new is None:
            await self._app(scope, _again(received, receive), send)
            return
        state = cast("AppState", scope["state"])
        await serve(Accepted(target.user, ROUTE, _append(state, target, new)), scope, receive, send)

    def _target(self, scope: Scope) -> Target | None:
        path, headers = _PATH.fullmatch(scope["path"]), distinct_headers(scope, HEADERS)
        if path is None or scope["query_string"] or headers is None or headers.keys() != REQUIRED_HEADERS:
            return None
        length = headers[CONTENT_LENGTH]
        if headers[CONTENT_TYPE] not in JSON or not length.isdigit() or int(length[:20]) > self._max_bytes:
            return None
        user = remembered_user(scope, headers)
        return None if user is None else Target(user, path[1])


async def _append(state: AppState, target: Target, new: NewMessages) -> Response:
    await admit(state, target.user)
    return await messages.append_messages(target.user, state["sessions"], target.session_id, new)


async def _body(receive: Receive) -> deque[Message]:
    received = deque([await receive()])
    while received[-1].get("more_body"):
        received.append(await receive())
    return received


def _new_messages(received: Collection[Message]) -> NewMessages | None:
    """Return the messages in a body, or None if it is invalid or incomplete."""
    body = b"".join(each.get("body", b"") for each in received)
    if any(each["type"] != "http.request" for each in received) or not holds_at_most(MAX_VALUES, body):
        return None
    try:
        return NewMessages.model_validate(spelling.read(body.decode()))
    except (ValueError, BadRequest, RecursionError):
        return None


def _again(received: deque[Message], receive: Receive) -> Receive:
    async def receive_again() -> Message:
        return received.popleft() if received else await receive()

    return receive_again
