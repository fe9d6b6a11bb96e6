"""The search of titles and messages: its query and its response."""

from typing import NamedTuple

from pydantic import BaseModel, Field

from chat_sessions.contract.schemas import SessionSummary


class SearchQuery(NamedTuple):
    """A page of a search."""

    q: str
    limit: int
    cursor: str | None = None


class FoundMessage(BaseModel):
    """A message that contains the text."""

    sequence: int = Field(description="Its position. Send it as `before_sequence` to read the messages before it.")
    role: str = Field(description="The role of the message: `user`, `assistant` …")
    snippet: str = Field(
        description="Plain text around the match, some 160 characters; `…` marks where it was cut.",
    )


class SearchResult(BaseModel):
    """A session that contains the text."""

    session: SessionSummary = Field(description="The session; it may be archived.")
    message: FoundMessage | None = Field(description="The newest message that matches; null if only the title does.")


class SearchResults(BaseModel):
    """A page of a search."""

    results: list[SearchResult] = Field(description="Sessions with the latest messages come first.")
    next_cursor: str | None = Field(
        description="Send as `cursor` to get the next page. A page may have few results or none and still a cursor, "
        "because one call searches only part of a large account. Null once everything was searched."
    )
