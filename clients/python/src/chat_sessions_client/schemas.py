"""The request and response types of the OpenAPI document. Times are in RFC 3339 format, in UTC."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict


class Summary(TypedDict):
    """A session without its messages."""

    id: str
    user_id: str
    title: str | None
    created_at: str
    updated_at: str
    is_pinned: bool
    is_archived: bool
    metadata: dict[str, Any]


class SessionPage(TypedDict):
    """A page of the list."""

    sessions: list[Summary]
    total: int
    next_cursor: str | None


class Message(TypedDict):
    """A stored message, with every other field that it was sent with. `as_sent` returns only what was sent."""

    id: str
    sequence: int
    created_at: str
    role: str
    content: str | list[dict[str, Any]] | None
    name: str | None
    tool_call_id: str | None
    refusal: str | None
    tool_calls: list[dict[str, Any]] | None
    function_call: dict[str, Any] | None
    metadata: dict[str, Any]


class Session(Summary):
    """A session with a page of its messages, in ascending order."""

    messages: list[Message]
    has_more_messages: bool
    oldest_sequence: int | None
    etag: NotRequired[str]
    """The version, for `if_match`."""


class FoundMessage(TypedDict):
    """The newest message that matches a search."""

    sequence: int
    role: str
    snippet: str


class SearchResult(TypedDict):
    """A session that matches a search; `message` is None if only its title does."""

    session: Summary
    message: FoundMessage | None


class SearchPage(TypedDict):
    """A page of search results."""

    results: list[SearchResult]
    next_cursor: str | None


class BatchDeleted(TypedDict):
    """The outcome of a batch deletion."""

    deleted: list[str]
    not_found: list[str]
    count: int


class Event(TypedDict):
    """A change of the session `id`; or `reset`, without an id: events were lost, so reload what you show."""

    type: str
    id: str | None


class Filter(TypedDict, total=False):
    """Which sessions to list, and in what order."""

    q: str
    archived: Literal["false", "true", "any"]
    metadata: Mapping[str, object]
    pinned_first: bool


class Changes(TypedDict, total=False):
    """What to change in a session. None removes the title, and metadata is a JSON merge patch."""

    title: str | None
    is_pinned: bool
    is_archived: bool
    metadata: Mapping[str, object]


class DeletionFilter(TypedDict, total=False):
    """Criteria that must all match; or only `all`, which matches every session."""

    updated_before: str
    pinned: bool
    archived: bool
    q: str
    metadata: Mapping[str, object]
    all: Literal[True]


NewMessage = Mapping[str, object]
