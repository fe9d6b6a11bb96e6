"""A user's event stream, followed like a browser does: when it ends, it is opened again after the last event."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic

import httpx

from benchmarks.soak.calls import no_certificates
from benchmarks.soak.tally import Tally
from benchmarks.soak.user import User

# The service says something every 15 s.
SILENCE_SECONDS = 40
RECONNECT_SECONDS = 0.5
# Now and then a page is closed and opened again.
SHORTEST, LONGEST = 20, 120
OPENED = "followSessions"


class Follower:
    """One page of a user."""

    def __init__(self, user: User, url: str, token: str, tally: Tally) -> None:
        self._user = user
        self._url = f"{url}/api/chat/sessions/events"
        self._token = token
        self._tally = tally
        self._last_event_id: str | None = None
        self._opened_at = float("inf")
        self._reset_at = float("-inf")
        self._deleted: set[str] = set()
        self._strange: set[str] = set()

    async def follow(self) -> None:
        """Follow until cancelled."""
        async with httpx.AsyncClient(timeout=SILENCE_SECONDS, verify=no_certificates()) as client:
            while True:
                began = monotonic()
                try:
                    async with asyncio.timeout(self._user.chance.uniform(SHORTEST, LONGEST)):
                        await self._hear(client)
                except TimeoutError:
                    continue
                except httpx.TransportError:
                    self._tally.trouble(OPENED, "stream cut", began)
                await asyncio.sleep(RECONNECT_SECONDS)

    def missed(self) -> set[str]:
        """Return the deletions that were not told, although nobody was told to reload since."""
        return {
            session_id
            for session_id, began in self._user.graves.items()
            if max(self._opened_at, self._reset_at) < began and session_id not in self._deleted
        }

    def strange(self) -> set[str]:
        """Return what was told of sessions that are not the user's."""
        # Of a session whose creation was never answered nobody knows the id.
        stranger = self._user.name if self._user.doubtful_titles else "nobody"
        return {each for each in self._strange if self._user.owners.get(each, stranger) != self._user.name}

    async def _hear(self, client: httpx.AsyncClient) -> None:
        async with self._stream(client) as stream:
            if stream.status_code != 200:  # noqa: PLR2004
                self._tally.trouble(OPENED, str(stream.status_code), monotonic())
                return
            fields: dict[str, str] = {}
            async for line in stream.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                self._opened_at = min(self._opened_at, monotonic())
                self._heard(fields)
                fields = {}

    @asynccontextmanager
    async def _stream(self, client: httpx.AsyncClient) -> AsyncIterator[httpx.Response]:
        headers = {"Authorization": f"Bearer {self._token}"}
        if self._last_event_id is None:
            # What was missed without a place to go on from, nobody promises to tell.
            self._opened_at = float("inf")
        else:
            headers["Last-Event-ID"] = self._last_event_id
        began = monotonic()
        async with client.stream("GET", self._url, headers=headers) as stream:
            self._tally.answered(OPENED, str(stream.status_code), began)
            yield stream

    def _heard(self, fields: Mapping[str, str]) -> None:
        self._last_event_id = fields.get("id", self._last_event_id)
        event = fields.get("event", "comment")
        self._tally.heard(event)
        if event == "reset":
            self._reset_at = monotonic()
        elif event != "comment":
            session_id = json.loads(fields["data"])["id"]
            if event == "session.deleted":
                self._deleted.add(session_id)
            if self._user.owners.get(session_id) != self._user.name:
                # Or of a session whose creation is not answered yet: judged in the end.
                self._strange.add(session_id)
