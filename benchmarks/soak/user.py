"""A user who does one thing after the other and knows what must then be true."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID

from benchmarks.soak.calls import Answer, Calls
from benchmarks.soak.tally import Tally

WHOLE_LIST = 100
NOT_FOUND = 404
PAGE_SIZES = (5, 50, 200)
CONDITIONAL = 0.5
GRAVES_AUDITED = 100
# A page ends there, with what each message has of ours on top.
PAGE_BYTES, OVERHEAD = 4 * 1024 * 1024, 1.05
LARGE_BYTES = 1_000_000

Placed = tuple[int, str, str]


@dataclass(slots=True)
class Known:
    """A session as it must be; `etag` as long as nothing has changed since it was read."""

    title: str
    is_pinned: bool = False
    messages: list[str] = field(default_factory=list)
    etag: str = ""


class User:
    """Somebody's sessions, and the calls that look at them and change them.

    Whatever the service answers or shows against this knowledge is counted as a violation.
    """

    def __init__(self, name: str, calls: Calls, tally: Tally, chance: Random, owners: dict[str, str]) -> None:
        self.name = name
        self.calls = calls
        self.tally = tally
        self.chance = chance
        #: Whose each session is, of all users.
        self.owners = owners
        self.alive: dict[str, Known] = {}
        #: The deleted ones, and when their deletion began.
        self.graves: dict[str, float] = {}
        #: Of sessions that may have been created, under an id that nobody knows.
        self.doubtful_titles: set[str] = set()
        #: The messages of a megabyte.
        self.large: set[str] = set()
        self._numbers = count()

    def must(self, so: bool, what: str, detail: object = "") -> None:  # noqa: FBT001  reads as a sentence
        """Count a violation unless it is so."""
        if not so:
            self.tally.violation(what, f"{self.name}: {detail}")

    def any_session(self) -> str:
        """Pick one that is alive."""
        return self.chance.choice(list(self.alive))

    def new_id(self) -> str:
        """Mint an id."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def new_title(self) -> str:
        """Make up a title that no other session has."""
        return f"Chat {next(self._numbers)} of {self.name}"

    def new_message(self, *, large: bool = False) -> dict[str, str]:
        """Make up a message whose text tells whose it is; a large one has nearly as much of it as it may."""
        message_id = self.new_id()
        if large:
            self.large.add(message_id)
        return {"id": message_id, "role": "user", "content": self._text(message_id)}

    async def look_at_everything(self) -> None:
        """See the list and open every session."""
        await self.look_at_list()
        for session_id in self.alive:
            await self.look_at(session_id)

    async def look_for_the_dead(self) -> None:
        """Ask, by way of whichever worker, for what was deleted last."""
        for session_id in list(self.graves)[-GRAVES_AUDITED:]:
            answer = await self.calls.send("getSession", session_id)
            self.must(answer.status == NOT_FOUND, "a deleted session is there", session_id)

    async def look_at_list(self) -> None:
        """See the whole list."""
        answer = await self.calls.send("listSessions", params={"limit": WHOLE_LIST})
        self.compare(answer.body["sessions"])
        self.must(answer.body["total"] == len(self.alive), "a wrong total", answer.body["total"])
        order = [
            (each["is_pinned"], datetime.fromisoformat(each["updated_at"]), each["id"])
            for each in answer.body["sessions"]
        ]
        self.must(order == sorted(order, reverse=True), "a list in the wrong order", order)

    def compare(self, summaries: Iterable[Mapping[str, Any]]) -> None:
        """Hold a whole list against what is known."""
        shown = {each["id"]: (each["title"], each["is_pinned"]) for each in summaries}
        self._adopt(shown)
        for session_id, values in shown.items():
            known = self.alive.get(session_id)
            if known is None:
                what = "a deleted session" if session_id in self.graves else "a session of somebody else's"
                self.must(so=False, what=f"{what} is listed", detail=session_id)
            else:
                self.must(values == (known.title, known.is_pinned), "the list misses an own write", (values, known))
        missing = self.alive.keys() - shown.keys()
        self.must(not missing, "a living session is not listed", missing)

    async def look_at(self, session_id: str) -> None:
        """Open a session."""
        known, limit = self.alive[session_id], self.chance.choice(PAGE_SIZES)
        condition = known.etag if self.chance.random() < CONDITIONAL else ""
        headers = {"If-None-Match": condition} if condition else {}
        answer = await self.calls.send("getSession", session_id, params={"limit": limit}, headers=headers)
        self.must(answer.status != NOT_FOUND, "a living session is 404", session_id)
        if condition:
            self.must(answer.status == 304, "an unchanged session is not 304", session_id)  # noqa: PLR2004
        if answer.status == 200:  # noqa: PLR2004
            known.etag = answer.etag
            self._compare_opened(answer.body, known, limit)

    def _compare_opened(self, body: Mapping[str, Any], known: Known, limit: int) -> None:
        self.must(body["user_id"] == self.name, "a session of somebody else's is opened", body["id"])
        seen = (body["title"], body["is_pinned"])
        self.must(seen == (known.title, known.is_pinned), "an opened session misses an own write", (seen, known))
        messages = [(each["sequence"], each["id"], each["content"]) for each in body["messages"]]
        expected = [(number, each, self._text(each)) for number, each in enumerate(known.messages)]
        shown = expected[len(expected) - len(messages) :]
        self.must(
            messages == shown, "an opened session has other messages", (body["id"], _brief(messages), _brief(shown))
        )
        self.must(
            _is_whole_page(expected, len(shown), limit), "a page is cut elsewhere", (body["id"], len(shown), limit)
        )
        has_more = len(known.messages) > len(messages)
        self.must(body["has_more_messages"] == has_more, "wrong has_more_messages", body["id"])

    async def create(self) -> None:
        """Create a session under an own id."""
        session_id, known, body = self._new_session()
        self.owners[session_id] = self.name
        answer = await self.calls.send("createSession", body={"id": session_id, **body})
        allowed = {200, 201} if answer.doubtful else {201}
        self.must(answer.status in allowed, "a new session is refused", (answer.status, session_id))
        self.alive[session_id] = known

    async def create_once(self) -> None:
        """Create a session under an id that the service mints: that cannot be repeated."""
        title = self.new_title()
        response = await self.calls.attempt("createSession", body={"title": title})
        if response is None:
            self.doubtful_titles.add(title)
            return
        self.must(response.status_code == 201, "a new session is refused", response.status_code)  # noqa: PLR2004
        self.begin(response.json()["id"], title)

    def begin(self, session_id: str, title: str) -> None:
        """Take note of a session without messages."""
        self.owners[session_id] = self.name
        self.alive[session_id] = Known(title)

    async def append(self, session_id: str, number: int, *, large: bool = False) -> None:
        """Append messages."""
        known, new = self.alive[session_id], [self.new_message(large=large) for _ in range(number)]
        answer = await self.calls.send("appendMessages", session_id, body={"messages": new})
        self.must(answer.status == 201, "an append to a living session is refused", answer.status)  # noqa: PLR2004
        start = len(known.messages)
        known.messages += [each["id"] for each in new]
        known.etag = ""
        if answer.status == 201:  # noqa: PLR2004
            sequences = [each["sequence"] for each in answer.body["messages"]]
            self.must(sequences == list(range(start, start + number)), "a gap or a duplicate", (session_id, sequences))

    async def change(self, session_id: str, **change: object) -> None:
        """Rename or pin."""
        known = self.alive[session_id]
        answer = await self.calls.send("changeSession", session_id, body=change)
        self.must(answer.status == 200, "a change of a living session is refused", answer.status)  # noqa: PLR2004
        known.title = str(change.get("title", known.title))
        known.is_pinned = bool(change.get("is_pinned", known.is_pinned))
        known.etag = ""

    async def delete(self, session_id: str) -> None:
        """Delete a session."""
        began = monotonic()
        self.buried([session_id], began, await self.calls.send("deleteSession", session_id))

    def buried(self, session_ids: Iterable[str], began: float, answer: Answer) -> None:
        """Take note of deletions that have been answered."""
        allowed = {200, 204, NOT_FOUND} if answer.doubtful else {200, 204}
        self.must(answer.status in allowed, "a deletion is refused", answer.status)
        for session_id in session_ids:
            self.alive.pop(session_id, None)
            self.graves[session_id] = began

    def _new_session(self) -> tuple[str, Known, dict[str, Any]]:
        messages = [self.new_message() for _ in range(self.chance.randrange(3))]
        known = Known(self.new_title(), messages=[each["id"] for each in messages])
        return self.new_id(), known, {"title": known.title, "messages": messages}

    def _adopt(self, shown: Mapping[str, tuple[str, bool]]) -> None:
        for session_id, (title, is_pinned) in shown.items():
            if session_id not in self.alive and title in self.doubtful_titles:
                self.doubtful_titles.discard(title)
                self.begin(session_id, title)
                self.alive[session_id].is_pinned = is_pinned

    def _text(self, message_id: str) -> str:
        text = f"Message {message_id} of {self.name}"
        return text * (LARGE_BYTES // len(text)) if message_id in self.large else text


def _is_whole_page(messages: Sequence[Placed], shown: int, limit: int) -> bool:
    """Whether a page has as many of the newest messages as it may, and neither more bytes nor less than it may."""
    sizes = [len(text) for *_, text in reversed(messages)]
    if shown > 1 and sum(sizes[:shown]) > PAGE_BYTES:
        return False
    return shown == min(limit, len(messages)) or sum(sizes[: shown + 1]) * OVERHEAD > PAGE_BYTES


def _brief(messages: Sequence[Placed]) -> list[Placed]:
    return [(number, message_id, text[:100]) for number, message_id, text in messages]
