"""Follows a user's event stream and reconnects after the last event, like a browser."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic

import httpx

from benchmarks.soak.calls import no_certificates
from benchmarks.soak.tally import Tally
from benchmarks.soak.user import User

# More than two heartbeats.
SILENCE_SECONDS = 40
RECONNECT_SECONDS = 0.5
# How long a page stays open before it is reopened.
SHORTEST, LONGEST = 20, 120
OPENED = "followSessions"


class Follower:
    """One open page of a user."""

    def __init__(self, user: User, url: str, token: str, tally: Tally) -> None:
        self._user = user
        self._url = f"{url}/api/chat/sessions/events"
        self._token = token
        self._tally = tally
        self._last_event_id: str | None = None
        self._opened_at = float("inf")
        self._reset_at = float("-inf")
        self._deleted: set[str] = set()
        self._foreign: set[str] = set()

    async def follow(self) -> None:
        """Follow until cancelled."""
        async with httpx.AsyncClient(timeout=SILENCE_SECONDS, verify=no_certificates()) as client:
            while True:
                began = monotonic()
                try:
                    async with asyncio.timeout(self._user.chance.uniform(SHORTEST, LONGEST)):
                        await self._receive(client)
                except TimeoutError:
                    continue
                except httpx.TransportError:
                    self._tally.add_failure(OPENED, "stream cut", began)
                await asyncio.sleep(RECONNECT_SECONDS)

    def missed(self) -> set[str]:
        """Return the deletions without an event or a later reset."""
        return {
            session_id
            for session_id, began in self._user.deleted_ids.items()
            if max(self._opened_at, self._reset_at) < began and session_id not in self._deleted
        }

    def foreign(self) -> set[str]:
        """Return the sessions of other users that events named."""
        # The id of a session is unknown if its creation got no response.
        stranger = self._user.name if self._user.unconfirmed_titles else "nobody"
        return {each for each in self._foreign if self._user.owners.get(each, stranger) != self._user.name}

    async def _receive(self, client: httpx.AsyncClient) -> None:
        async with self._stream(client) as stream:
            if stream.status_code != 200:  # noqa: PLR2004
                self._tally.add_failure(OPENED, str(stream.status_code), monotonic())
                return
            fields: dict[str, str] = {}
            async for line in stream.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                self._opened_at = min(self._opened_at, monotonic())
                self._handle(fields)
                fields = {}

    @asynccontextmanager
    async def _stream(self, client: httpx.AsyncClient) -> AsyncIterator[httpx.Response]:
        headers = {"Authorization": f"Bearer {self._token}"}
        if self._last_event_id is None:
            # Without a Last-Event-ID, earlier events are not replayed.
            self._opened_at = float("inf")
        else:
            headers["Last-Event-ID"] = self._last_event_id
        began = monotonic()
        async with client.stream("GET", self._url, headers=headers) as stream:
            self._tally.add_response(OPENED, str(stream.status_code), began)
            yield stream

    def _handle(self, fields: Mapping[str, str]) -> None:
        self._last_event_id = fields.get("id", self._last_event_id)
        event = fields.get("event", "comment")
        self._tally.add_event(event)
        if event == "reset":
            self._reset_at = monotonic()
        elif event not in {"comment", "opened"}:
            session_id = json.loads(fields["data"])["id"]
            if event == "session.deleted":
                self._deleted.add(session_id)
            if self._user.owners.get(session_id) != self._user.name:
                # Or its creation has no response yet: decided at the end.
                self._foreign.add(session_id)
