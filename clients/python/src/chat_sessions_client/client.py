"""The client: one method per operation of the API."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import replace
from typing import Any, Final, Self, Unpack, cast
from urllib.parse import quote
from uuid import uuid4

import httpx2

from chat_sessions_client.connection import Connection, Params, Token, open_http
from chat_sessions_client.errors import NotFound
from chat_sessions_client.schemas import (
    BatchDeleted,
    Changes,
    DeletionFilter,
    Event,
    Filter,
    Message,
    NewMessage,
    SearchPage,
    Session,
    SessionPage,
    Summary,
)

MAX_MESSAGES: Final = 200
MAX_BATCH: Final = 100


class ChatSessions:
    """A user's chat sessions.

    Requests that are safe to repeat are retried for `patience` seconds; ids make creates and appends safe. Pass `http`
    to configure TLS, proxies or timeouts. Every method may raise Problem or Unreachable.
    """

    def __init__(
        self, url: str, token: Token, *, patience: float = 30, http: Callable[[], httpx2.AsyncClient] = open_http
    ) -> None:
        self._connection = Connection(f"{url.rstrip('/')}/api/chat", token, patience, http, http())

    def with_token(self, token: Token) -> Self:
        """Return a client for another user that shares the connections."""
        return self._on(replace(self._connection, token=token))

    def reopened(self) -> Self:
        """Return the same client with its own connections, for use in another event loop."""
        return self._on(replace(self._connection, http=self._connection.open_http()))

    def _on(self, connection: Connection) -> Self:
        other = copy(self)
        other._connection = connection  # noqa: SLF001  its own
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.http.aclose()

    async def pages(
        self, *, limit: int = 100, cursor: str | None = None, **query: Unpack[Filter]
    ) -> AsyncGenerator[SessionPage]:
        """Yield pages of the list, starting at a `next_cursor` if given."""
        params = _params({"limit": limit, "cursor": cursor, **query})
        async for page in self._pages("/sessions", params):
            yield cast("SessionPage", page)

    async def search(self, q: str, *, limit: int = 20, cursor: str | None = None) -> AsyncGenerator[SearchPage]:
        """Yield pages of sessions whose title or messages contain a text. An empty page may not be the last one."""
        async for page in self._pages("/sessions/search", _params({"q": q, "limit": limit, "cursor": cursor})):
            yield cast("SearchPage", page)

    async def _pages(self, path: str, params: Params) -> AsyncGenerator[Any]:
        while True:
            page = (await self._connection.call("GET", path, params=params)).json()
            yield page
            if page["next_cursor"] is None:
                return
            params["cursor"] = page["next_cursor"]

    async def create(
        self,
        *,
        id: str | None = None,  # noqa: A002  its name in the API
        title: str | None = None,
        metadata: Mapping[str, object] | None = None,
        messages: Sequence[NewMessage] = (),
    ) -> Summary:
        """Create a session, or return the one with this id. Conflict means that a session with this id was deleted."""
        body = {"id": id or str(uuid4()), "title": title, "metadata": metadata or {}, "messages": _with_ids(messages)}
        return cast("Summary", (await self._connection.call("POST", "/sessions", json=body)).json())

    async def get(
        self, session_id: str, *, limit: int = 50, before_sequence: int | None = None, whole_turns: bool = False
    ) -> Session:
        """Return a session with its newest messages, or with those before a sequence."""
        params = _params({"limit": limit, "before_sequence": before_sequence, "whole_turns": whole_turns})
        response = await self._connection.call("GET", _path(session_id), params=params)
        return cast("Session", {**response.json(), "etag": response.headers["ETag"]})

    async def newest(
        self, session_id: str, limit: int | None = None, *, before_sequence: int | None = None
    ) -> list[Message]:
        """Return the newest messages, or all of them, in ascending order."""
        found: list[Message] = []
        while limit is None or len(found) < limit:
            wanted = MAX_MESSAGES if limit is None else min(MAX_MESSAGES, limit - len(found))
            page = await self.get(session_id, limit=wanted, before_sequence=before_sequence)
            found[:0] = page["messages"]
            if not page["has_more_messages"]:
                break
            before_sequence = page["oldest_sequence"]
        return found

    async def messages(self, session_id: str, *, from_sequence: int = 0) -> AsyncGenerator[Message]:
        """Yield all messages starting at a sequence, in ascending order."""
        found = MAX_MESSAGES
        while found == MAX_MESSAGES:
            page = await self.newest(session_id, MAX_MESSAGES, before_sequence=from_sequence + MAX_MESSAGES)
            found = sum(message["sequence"] >= from_sequence for message in page)
            for message in page[len(page) - found :]:
                yield message
            from_sequence += found

    async def append(
        self, session_id: str, messages: Sequence[NewMessage], *, after_sequence: int | None = None
    ) -> list[Message]:
        """Append messages, a hundred per request, and return them as stored. Known ids are not appended again.

        With `after_sequence` (-1 for an empty session), raise PreconditionFailed unless the session ends there.
        """
        given = _with_ids(messages)
        stored: list[Message] = []
        for start in range(0, len(given), MAX_BATCH):
            body: dict[str, object] = {"messages": given[start : start + MAX_BATCH], "after_sequence": after_sequence}
            response = await self._connection.call("POST", _path(session_id, "messages"), json=body)
            stored += response.json()["messages"]
            after_sequence = None if after_sequence is None else stored[-1]["sequence"]
        return stored

    async def replace(
        self, session_id: str, message_id: str, message: NewMessage, *, if_match: str | None = None
    ) -> Message:
        """Replace a message. It keeps its sequence and time."""
        path, headers = _path(session_id, "messages", message_id), _matching(if_match)
        response = await self._connection.call("PUT", path, json=message, headers=headers)
        return cast("Message", response.json())

    async def cut(self, session_id: str, from_sequence: int, *, if_match: str | None = None) -> None:
        """Delete a message and all after it.

        A lost response is not retried, since a retry might delete messages that were appended meanwhile.
        """
        params, headers = {"from_sequence": from_sequence}, _matching(if_match)
        path = _path(session_id, "messages")
        await self._connection.call("DELETE", path, repeatable=False, params=params, headers=headers)

    async def change(self, session_id: str, *, if_match: str | None = None, **changes: Unpack[Changes]) -> Summary:
        """Rename, pin or archive a session, or patch its metadata."""
        path, headers = _path(session_id), _matching(if_match)
        response = await self._connection.call("PATCH", path, json=changes, headers=headers)
        return cast("Summary", response.json())

    async def delete(self, session_id: str, *, if_match: str | None = None) -> None:
        """Delete a session permanently. NotFound means that it does not exist."""
        try:
            await self._connection.call("DELETE", _path(session_id), headers=_matching(if_match))
        except NotFound as gone:
            # After a retry, an earlier attempt whose response was lost has deleted it.
            if gone.attempts == 1:
                raise

    async def batch_delete(
        self,
        *,
        ids: Sequence[str] | None = None,
        filter: DeletionFilter | None = None,  # noqa: A002  its name in the API
        dry_run: bool = False,
    ) -> BatchDeleted:
        """Delete up to a hundred `ids`, or all sessions that match a `filter`. After an error, call it again."""
        target = {"filter": filter} if ids is None else {"ids": ids}
        response = await self._connection.call(
            "POST",
            "/sessions/batch-delete",
            repeatable=dry_run,
            json={**target, "dry_run": dry_run},
            # Deleting a hundred thousand sessions takes fifteen seconds.
            timeout=httpx2.Timeout(30, read=600),
        )
        return cast("BatchDeleted", response.json())

    async def export(self) -> AsyncGenerator[dict[str, Any]]:
        """Yield all sessions with all their messages. If it raises an error, the export is incomplete."""
        async with aclosing(self._connection.lines("/export")) as lines:
            async for line in lines:
                yield json.loads(line)

    async def events(self) -> AsyncGenerator[Event]:
        """Yield changes as they happen. Reconnects and resumes when the stream ends."""
        async with aclosing(self._connection.events("/sessions/events")) as events:
            async for event in events:
                yield cast("Event", event.json())


def _with_ids(messages: Sequence[NewMessage]) -> list[NewMessage]:
    """Return the messages with ids, so that a retry does not append them twice."""
    return [{**each, "id": each.get("id") or str(uuid4())} for each in messages]


def _path(*parts: str) -> str:
    return "/".join(("/sessions", *(quote(part, safe="") for part in parts)))


def _params(given: Mapping[str, object]) -> Params:
    """Return the parameters that are not None, with objects as JSON."""
    return {
        name: json.dumps(value) if isinstance(value, Mapping) else value
        for name, value in given.items()
        if value is not None
    }


def _matching(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"If-Match": etag}
