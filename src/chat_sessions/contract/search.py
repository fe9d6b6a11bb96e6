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

    sequence: int = Field(description="Its position. `before_sequence` of the session reads the messages before one.")
    role: str = Field(description="Who has said it: `user`, `assistant` …")
    snippet: str = Field(
        description="Plain text around the match, some 160 characters; `…` stands for what was cut off.",
    )


class SearchResult(BaseModel):
    """A session that contains the text."""

    session: SessionSummary = Field(description="The session, archived ones included.")
    message: FoundMessage | None = Field(description="The newest message that matches; null if only the title does.")


class SearchResults(BaseModel):
    """A page of a search."""

    results: list[SearchResult] = Field(description="By the time of the sessions' last messages, newest first.")
    next_cursor: str | None = Field(
        description="Send as `cursor` to search on. A page may have few results, or none, and a cursor all the same: a "
        "call does not search a large account to the end. Null once everything was searched."
    )
