"""The bodies of requests and responses. Responses have no defaults: missing values are null, never omitted."""

from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from chat_sessions.contract.fields import (
    MAX_TITLE,
    Flag,
    Incoming,
    Metadata,
    SessionId,
    Time,
    Title,
    at_most,
    nothing,
)
from chat_sessions.contract.messages import MAX_BATCH, Batch, Message
from chat_sessions.contract.storable import Text


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewSession(Incoming):
    """A session to create. All fields are optional."""

    id: SessionId | None = None
    title: Annotated[Title | None, Field(description="Leading and trailing whitespace is removed.")] = None
    metadata: Metadata = Field(default_factory=nothing)
    messages: Batch = Field(default_factory=list)

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Trip to Lisbon", "messages": [{"role": "user", "content": "Where do I start?"}]}]
        }
    )


class SessionChange(Incoming):
    """The fields to change. At least one is required."""

    title: Annotated[Title | None, Field(description="Leading and trailing whitespace is removed.")] = None
    is_pinned: Annotated[Flag | None, Field(description="Whether the session is pinned to the top of the list.")] = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Lisbon in May"}, {"is_pinned": True}],
            "not": {"properties": {"title": {"type": "null"}, "is_pinned": {"type": "null"}}},
        }
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.title is None and self.is_pinned is None:
            message = "send title, is_pinned or both"
            raise ValueError(message)
        return self


class DeletionFilter(Incoming):
    """Matches the sessions that meet all criteria. An empty filter matches all of the user's sessions."""

    updated_before: Time | None = None
    pinned: Flag | None = None
    q: Annotated[
        Text | None, Field(max_length=MAX_TITLE, description="Titles containing this, as `q` of the list.")
    ] = None


class BatchDeletion(Incoming):
    """The sessions to delete: either `ids` or `filter`."""

    ids: Annotated[list[Text], Field(min_length=1, max_length=MAX_BATCH), at_most(MAX_BATCH)] | None = None
    filter: DeletionFilter | None = None
    dry_run: Annotated[Flag, Field(description="Return what would be deleted, and delete nothing.")] = False

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ids": ["3f1c8f0e-7a55-4f8e-9d3c-0a6b1f2e4d5c"]},
                {"filter": {"updated_before": "2026-01-01T00:00:00Z", "pinned": False}, "dry_run": True},
            ],
            "not": {
                "anyOf": [
                    {"properties": {"ids": {"type": "null"}, "filter": {"type": "null"}}},
                    {
                        "properties": {"ids": {"type": "array"}, "filter": {"type": "object"}},
                        "required": ["ids", "filter"],
                    },
                ]
            },
        }
    )

    @model_validator(mode="after")
    def _names_one_way(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            message = "send either ids or filter"
            raise ValueError(message)
        return self


class BatchDeleted(_Out):
    """The outcome of a batch deletion."""

    deleted: list[str]
    not_found: list[str] = Field(description="Those of the requested ids that the user does not have.")
    count: int = Field(description="Number of deleted sessions.")


class SessionSummary(_Out):
    """A session without its messages."""

    id: str = Field(examples=["3f1c8f0e-7a55-4f8e-9d3c-0a6b1f2e4d5c"])
    title: str | None = Field(examples=["Trip to Lisbon"])
    created_at: AwareDatetime
    updated_at: AwareDatetime = Field(description="Time of the last message, or of creation if there is none.")
    is_pinned: bool
    metadata: dict[str, JsonValue]


class SessionList(_Out):
    """A page of sessions."""

    sessions: list[SessionSummary]
    total: int = Field(description="Number of matching sessions on all pages.")
    next_cursor: str | None = Field(description="Send as `cursor` to get the next page. Null on the last page.")


class Session(SessionSummary):
    """A session with a page of its messages."""

    user_id: str
    has_more_messages: bool = Field(description="Whether there are older messages.")
    oldest_sequence: int | None = Field(description="Send as `before_sequence` to get older messages.")
    messages: list[Message] = Field(description="In ascending order of `sequence`.")


class FieldProblem(BaseModel):
    """An invalid part of a request."""

    loc: list[str | int] = Field(examples=[["body", "title"]])
    msg: str = Field(examples=["String should have at least 1 character"])
    type: str = Field(examples=["string_too_short"])


class Problem(BaseModel):
    """An error in the format of RFC 9457."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["Session not found."])


class ValidationProblem(Problem):
    """An invalid request, with one entry in `errors` per invalid part."""

    errors: list[FieldProblem]


class Liveness(BaseModel):
    """The process responds."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """The service is ready. `degraded` means it runs without its cache, more slowly."""

    status: Literal["ok", "degraded"]
    database: Literal["ok"]
    cache: Literal["ok", "degraded"]
