"""A user who tracks the expected state and checks every response against it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID

from benchmarks.soak.calls import Calls, FinalResponse
from benchmarks.soak.tally import Tally

WHOLE_LIST = 100
NOT_FOUND = 404
PAGE_SIZES = (5, 50, 200)
CONDITIONAL = 0.5
DELETED_AUDITED = 100
# The limit of a page, and the overhead of our own fields.
PAGE_BYTES, OVERHEAD = 4 * 1024 * 1024, 1.05
LARGE_BYTES = 1_000_000

Placed = tuple[int, str, str]


@dataclass(slots=True)
class Known:
    """The expected state of a session; `etag` is empty if it has changed since it was read."""

    title: str
    is_pinned: bool = False
    messages: list[str] = field(default_factory=list)
    etag: str = ""


class User:
    """A user's sessions, and the calls that read and change them; each unexpected response is a violation."""

    def __init__(self, name: str, calls: Calls, tally: Tally, chance: Random, owners: dict[str, str]) -> None:
        self.name = name
        self.calls = calls
        self.tally = tally
        self.chance = chance
        #: The owner of each session, shared by all users.
        self.owners = owners
        self.alive: dict[str, Known] = {}
        #: Deleted sessions, and when their deletion began.
        self.deleted_ids: dict[str, float] = {}
        #: Titles of sessions that may have been created with an unknown id.
        self.unconfirmed_titles: set[str] = set()
        #: Ids of messages of a megabyte.
        self.large: set[str] = set()
        self._numbers = count()

    def expect(self, holds: bool, violation: str, detail: object = "") -> None:  # noqa: FBT001  like assert
        """Count a violation unless the condition holds."""
        if not holds:
            self.tally.add_violation(violation, f"{self.name}: {detail}")

    def any_session(self) -> str:
        """Pick an existing session."""
        return self.chance.choice(list(self.alive))

    def new_id(self) -> str:
        """Mint an id."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def new_title(self) -> str:
        """Return a unique title."""
        return f"Chat {next(self._numbers)} of {self.name}"

    def new_message(self, *, large: bool = False) -> dict[str, str]:
        """Return a message whose text names its owner; a large one has nearly the maximum size."""
        message_id = self.new_id()
        if large:
            self.large.add(message_id)
        return {"id": message_id, "role": "user", "content": self._text(message_id)}

    async def check_everything(self) -> None:
        """Read the list and every session."""
        await self.check_list()
        for session_id in self.alive:
            await self.check_session(session_id)

    async def check_deleted(self) -> None:
        """Read the sessions that were deleted last."""
        for session_id in list(self.deleted_ids)[-DELETED_AUDITED:]:
            response = await self.calls.send("getSession", session_id)
            self.expect(response.status == NOT_FOUND, "a deleted session is served", session_id)

    async def check_list(self) -> None:
        """Read the whole list."""
        response = await self.calls.send("listSessions", params={"limit": WHOLE_LIST})
        self.compare(response.body["sessions"])
        self.expect(response.body["total"] == len(self.alive), "a wrong total", response.body["total"])
        order = [
            (each["is_pinned"], datetime.fromisoformat(each["updated_at"]), each["id"])
            for each in response.body["sessions"]
        ]
        self.expect(order == sorted(order, reverse=True), "a list in the wrong order", order)

    def compare(self, summaries: Iterable[Mapping[str, Any]]) -> None:
        """Compare a whole list with the expected state."""
        shown = {each["id"]: (each["title"], each["is_pinned"]) for each in summaries}
        self._adopt(shown)
        for session_id, values in shown.items():
            known = self.alive.get(session_id)
            if known is None:
                what = "a deleted session" if session_id in self.deleted_ids else "another user's session"
                self.expect(holds=False, violation=f"{what} is listed", detail=session_id)
            else:
                self.expect(values == (known.title, known.is_pinned), "the list is stale", (values, known))
        missing = self.alive.keys() - shown.keys()
        self.expect(not missing, "an existing session is not listed", missing)

    async def check_session(self, session_id: str) -> None:
        """Read a session."""
        known, limit = self.alive[session_id], self.chance.choice(PAGE_SIZES)
        condition = known.etag if self.chance.random() < CONDITIONAL else ""
        headers = {"If-None-Match": condition} if condition else {}
        response = await self.calls.send("getSession", session_id, params={"limit": limit}, headers=headers)
        self.expect(response.status != NOT_FOUND, "an existing session is 404", session_id)
        if condition:
            self.expect(response.status == 304, "an unchanged session is not 304", session_id)  # noqa: PLR2004
        if response.status == 200:  # noqa: PLR2004
            known.etag = response.etag
            self._compare_opened(response.body, known, limit)

    def _compare_opened(self, body: Mapping[str, Any], known: Known, limit: int) -> None:
        self.expect(body["user_id"] == self.name, "another user's session is served", body["id"])
        seen = (body["title"], body["is_pinned"])
        self.expect(seen == (known.title, known.is_pinned), "a session is stale", (seen, known))
        messages = [(each["sequence"], each["id"], each["content"]) for each in body["messages"]]
        expected = [(number, each, self._text(each)) for number, each in enumerate(known.messages)]
        shown = expected[len(expected) - len(messages) :]
        self.expect(messages == shown, "wrong messages", (body["id"], _brief(messages), _brief(shown)))
        self.expect(_is_whole_page(expected, len(shown), limit), "wrong page size", (body["id"], len(shown), limit))
        has_more = len(known.messages) > len(messages)
        self.expect(body["has_more_messages"] == has_more, "wrong has_more_messages", body["id"])

    async def create(self) -> None:
        """Create a session with a client-minted id."""
        session_id, known, body = self._new_session()
        self.owners[session_id] = self.name
        response = await self.calls.send("createSession", body={"id": session_id, **body})
        allowed = {200, 201} if response.uncertain else {201}
        self.expect(response.status in allowed, "a new session is rejected", (response.status, session_id))
        self.alive[session_id] = known

    async def create_once(self) -> None:
        """Create a session with an id that the service mints, so the call cannot be retried."""
        title = self.new_title()
        response = await self.calls.attempt("createSession", body={"title": title})
        if response is None:
            self.unconfirmed_titles.add(title)
            return
        self.expect(response.status_code == 201, "a new session is rejected", response.status_code)  # noqa: PLR2004
        self.begin(response.json()["id"], title)

    def begin(self, session_id: str, title: str) -> None:
        """Record a session without messages."""
        self.owners[session_id] = self.name
        self.alive[session_id] = Known(title)

    async def append(self, session_id: str, number: int, *, large: bool = False) -> None:
        """Append messages."""
        known, new = self.alive[session_id], [self.new_message(large=large) for _ in range(number)]
        response = await self.calls.send("appendMessages", session_id, body={"messages": new})
        self.expect(response.status == 201, "an append is rejected", response.status)  # noqa: PLR2004
        start = len(known.messages)
        known.messages += [each["id"] for each in new]
        known.etag = ""
        if response.status == 201:  # noqa: PLR2004
            sequences = [each["sequence"] for each in response.body["messages"]]
            self.expect(
                sequences == list(range(start, start + number)),
                "a gap or duplicate in the sequences",
                (session_id, sequences),
            )

    async def cut(self, session_id: str, number: int) -> None:
        """Cut off the last messages. With If-Match a delayed repeat cannot cut newer ones."""
        known = self.alive[session_id]
        start = max(0, len(known.messages) - number)
        seen = await self.calls.send("getSession", session_id, params={"limit": 1})
        response = await self.calls.send(
            "cutMessages", session_id, params={"from_sequence": start}, headers={"If-Match": seen.etag}
        )
        allowed = {204, 412} if response.uncertain else {204}
        self.expect(response.status in allowed, "a cut is rejected", response.status)
        del known.messages[start:]
        known.etag = ""

    async def change(self, session_id: str, **change: object) -> None:
        """Rename or pin."""
        known = self.alive[session_id]
        response = await self.calls.send("changeSession", session_id, body=change)
        self.expect(response.status == 200, "a change is rejected", response.status)  # noqa: PLR2004
        known.title = str(change.get("title", known.title))
        known.is_pinned = bool(change.get("is_pinned", known.is_pinned))
        known.etag = ""

    async def delete(self, session_id: str) -> None:
        """Delete a session."""
        began = monotonic()
        self.record_deletion([session_id], began, await self.calls.send("deleteSession", session_id))

    def record_deletion(self, session_ids: Iterable[str], began: float, response: FinalResponse) -> None:
        """Record deletions that have a response."""
        allowed = {200, 204, NOT_FOUND} if response.uncertain else {200, 204}
        self.expect(response.status in allowed, "a deletion is rejected", response.status)
        for session_id in session_ids:
            self.alive.pop(session_id, None)
            self.deleted_ids[session_id] = began

    def _new_session(self) -> tuple[str, Known, dict[str, Any]]:
        messages = [self.new_message() for _ in range(self.chance.randrange(3))]
        known = Known(self.new_title(), messages=[each["id"] for each in messages])
        return self.new_id(), known, {"title": known.title, "messages": messages}

    def _adopt(self, shown: Mapping[str, tuple[str, bool]]) -> None:
        for session_id, (title, is_pinned) in shown.items():
            if session_id not in self.alive and title in self.unconfirmed_titles:
                self.unconfirmed_titles.discard(title)
                self.begin(session_id, title)
                self.alive[session_id].is_pinned = is_pinned

    def _text(self, message_id: str) -> str:
        text = f"Message {message_id} of {self.name}"
        return text * (LARGE_BYTES // len(text)) if message_id in self.large else text


def _is_whole_page(messages: Sequence[Placed], shown: int, limit: int) -> bool:
    """Return whether a page has as many of the newest messages as its limits of number and bytes allow."""
    sizes = [len(text) for *_, text in reversed(messages)]
    if shown > 1 and sum(sizes[:shown]) > PAGE_BYTES:
        return False
    return shown == min(limit, len(messages)) or sum(sizes[: shown + 1]) * OVERHEAD > PAGE_BYTES


def _brief(messages: Sequence[Placed]) -> list[Placed]:
    return [(number, message_id, text[:100]) for number, message_id, text in messages]
