"""What crosses the wire. Responses have no defaults: what is missing is null, never absent."""

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

# The largest Postgres integer, which offsets and sequences are.
MAX_INTEGER = 2**31 - 1


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewSession(Incoming):
    """A session to create; everything is optional."""

    id: SessionId | None = None
    title: Annotated[Title | None, Field(description="Trimmed.")] = None
    metadata: Metadata = Field(default_factory=nothing)
    messages: Batch = Field(default_factory=list)

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Trip to Lisbon", "messages": [{"role": "user", "content": "Where do I start?"}]}]
        }
    )


class SessionChange(Incoming):
    """What to change; at least one of the two."""

    title: Annotated[Title | None, Field(description="The new title; trimmed.")] = None
    is_pinned: Annotated[Flag | None, Field(description="Whether the session stays on top of the list.")] = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Lisbon in May"}, {"is_pinned": True}],
            "not": {"properties": {"title": {"type": "null"}, "is_pinned": {"type": "null"}}},
        }
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.title is None and self.is_pinned is None:
            message = "give a title, is_pinned or both"
            raise ValueError(message)
        return self


class DeletionFilter(Incoming):
    """Which sessions to delete: those that fit all that is given; an empty filter fits every session of the user."""

    updated_before: Time | None = None
    pinned: Flag | None = None
    q: Annotated[Text | None, Field(max_length=MAX_TITLE, description="Titles that contain this, in any case.")] = None


class BatchDeletion(Incoming):
    """Which sessions to delete: either by `ids` or by `filter`."""

    ids: Annotated[list[Text], Field(min_length=1, max_length=MAX_BATCH), at_most(MAX_BATCH)] | None = None
    filter: DeletionFilter | None = None
    dry_run: Annotated[Flag, Field(description="Only tell what would be deleted.")] = False

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
            message = "give either ids or filter"
            raise ValueError(message)
        return self


class BatchDeleted(_Out):
    """What became of a batch."""

    deleted: list[str]
    not_found: list[str] = Field(description="Those of the given ids that the user does not have.")
    count: int = Field(description="How many were deleted.")


class Summary(_Out):
    """A session without its messages."""

    id: str = Field(examples=["3f1c8f0e-7a55-4f8e-9d3c-0a6b1f2e4d5c"])
    title: str | None = Field(examples=["Trip to Lisbon"])
    created_at: AwareDatetime
    updated_at: AwareDatetime = Field(description="Of the last message, or of the creation.")
    is_pinned: bool
    metadata: dict[str, JsonValue]


class SessionList(_Out):
    """A page of sessions."""

    sessions: list[Summary]
    total: int = Field(description="How many sessions match, on all pages together.")
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")


class Session(Summary):
    """A session with a page of its messages."""

    user_id: str
    has_more_messages: bool = Field(description="Whether there are older messages.")
    oldest_sequence: int | None = Field(description="Give it as `before_sequence` for the older messages.")
    messages: list[Message] = Field(description="Ascending by sequence.")


class FieldProblem(BaseModel):
    """What is wrong with one part of a request."""

    loc: list[str | int] = Field(examples=[["body", "title"]])
    msg: str = Field(examples=["String should have at least 1 character"])
    type: str = Field(examples=["string_too_short"])


class Problem(BaseModel):
    """An error, as RFC 9457 shapes it."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["Session not found."])


class ValidationProblem(Problem):
    """A request that does not fit the contract, with one entry for each part that is wrong."""

    errors: list[FieldProblem]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """The service can serve; `degraded` means without its cache, more slowly."""

    status: Literal["ok", "degraded"]
    database: Literal["ok"]
    cache: Literal["ok", "degraded"]
