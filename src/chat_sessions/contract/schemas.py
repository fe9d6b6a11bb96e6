"""The bodies of requests and responses. Responses have no defaults: missing values are null, never omitted."""

from typing import Annotated, Any, Literal, Self

from pydantic import MISSING, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from chat_sessions.contract.fields import (
    Flag,
    Incoming,
    Metadata,
    Time,
    Title,
    TitleQuery,
    Yes,
    at_most,
    either,
    nothing,
)
from chat_sessions.contract.ids import AnyId, SessionId
from chat_sessions.contract.messages import MAX_BATCH, Batch, Message


class NewSession(Incoming):
    """A session to create. All fields are optional."""

    id: Annotated[
        SessionId | None,
        Field(description="Send one to make the request safe to repeat; otherwise the service mints it."),
    ] = None
    title: Annotated[Title | None, Field(description="Leading and trailing whitespace is removed.")] = None
    metadata: Metadata = Field(default_factory=nothing, description="Your own data about the session, kept as sent.")
    messages: Batch = Field(default_factory=list, description="The first messages, in order.")


class SessionChange(Incoming):
    """The fields to change. At least one is required."""

    title: Annotated[
        Title | None, Field(description="Null removes it. Leading and trailing whitespace is removed.")
    ] = None
    is_pinned: Annotated[Flag | MISSING, Field(description="Whether the session is pinned to the top of the list.")] = (
        MISSING
    )
    is_archived: Annotated[
        Flag | MISSING, Field(description="Whether the session is archived, so that lists omit it by default.")
    ] = MISSING
    metadata: Annotated[
        Metadata | MISSING,
        Field(
            description="A JSON merge patch (RFC 7396): members are added or replaced, null removes one, others stay.",
            examples=[{"model": "large", "project": None}],
        ),
    ] = MISSING

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            message = f"send at least one of {', '.join(SessionChange.model_fields)}"
            raise ValueError(message)
        return self


def _has_members(schema: dict[str, Any]) -> None:
    # pydantic takes the object for a string.
    schema["minProperties"] = schema.pop("minLength")


class DeletionFilter(Incoming):
    """Matches the sessions that meet all criteria: at least one, or `all`."""

    updated_before: Annotated[Time | MISSING, Field(description="Sessions whose last message is older.")] = MISSING
    pinned: Annotated[Flag | MISSING, Field(description="Only pinned sessions, or only others.")] = MISSING
    archived: Annotated[Flag | MISSING, Field(description="Only archived sessions, or only others.")] = MISSING
    q: Annotated[TitleQuery | MISSING, Field(description="Titles containing this, as `q` of the list.")] = MISSING
    metadata: Annotated[
        Metadata | MISSING,
        Field(
            description="Sessions whose metadata contains this, as `metadata` of the list.",
            min_length=1,
            json_schema_extra=_has_members,
        ),
    ] = MISSING
    all: Annotated[Yes | MISSING, Field(description="All of your sessions. Excludes the other criteria.")] = MISSING

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            message = 'must have at least one criterion; {"all": true} deletes all of your sessions'
            raise ValueError(message)
        if self.all is not MISSING and len(self.model_fields_set) > 1:
            message = "must not combine all with other criteria"
            raise ValueError(message)
        return self


class BatchDeletion(Incoming):
    """The sessions to delete: either `ids` or `filter`."""

    ids: Annotated[
        Annotated[list[AnyId], Field(min_length=1, max_length=MAX_BATCH), at_most(MAX_BATCH)] | None,
        Field(description="The ids of the sessions. Those that you do not have are listed in `not_found`."),
    ] = None
    filter: Annotated[DeletionFilter | None, Field(description="The sessions that meet all of these criteria.")] = None
    dry_run: Annotated[Flag, Field(description="Return what would be deleted, and delete nothing.")] = False

    model_config = ConfigDict(json_schema_extra=either("ids", "filter"))

    @model_validator(mode="after")
    def _names_one_way(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            message = "send either ids or filter"
            raise ValueError(message)
        return self


class BatchDeleted(BaseModel):
    """The outcome of a batch deletion."""

    deleted: list[str] = Field(description="The ids of the deleted sessions.")
    not_found: list[str] = Field(description="The requested ids that you do not have.")
    count: int = Field(description="Number of deleted sessions.")


class SessionSummary(BaseModel):
    """A session without its messages."""

    id: str = Field(description="Unique among your sessions.")
    user_id: str = Field(description="The owner: `sub` of the token.")
    title: str | None = Field(description="Null if it has none.")
    created_at: AwareDatetime = Field(description="Time of the creation.")
    updated_at: AwareDatetime = Field(description="Time of the last message, or of creation if there is none.")
    is_pinned: bool = Field(description="Whether the session is pinned to the top of the list.")
    is_archived: bool = Field(description="Whether the session is archived, so that lists omit it by default.")
    metadata: dict[str, Any] = Field(description="Your own data about the session.")


class SessionList(BaseModel):
    """A page of sessions."""

    sessions: list[SessionSummary] = Field(description="In the order of the list.")
    total: int = Field(description="Number of matching sessions on all pages.")
    next_cursor: str | None = Field(description="Send as `cursor` to get the next page. Null on the last page.")


class Session(SessionSummary):
    """A session with a page of its messages."""

    has_more_messages: bool = Field(description="Whether there are older messages.")
    oldest_sequence: int | None = Field(
        description="Send as `before_sequence` to get older messages. Null if the page has no messages."
    )
    messages: list[Message] = Field(description="In ascending order of `sequence`.")


class SessionEvent(BaseModel):
    """A change to your sessions: the `data` of a server-sent event."""

    type: Literal["session.created", "session.updated", "session.deleted", "reset"] = Field(
        description="What happened; the same as the `event` field. Ignore types that you do not know."
    )
    id: str | None = Field(description="The id of the session. Null for `reset`.")


class StreamOpened(BaseModel):
    """The start of a new event stream: the `data` of its first server-sent event."""

    type: Literal["opened"] = Field(description="The same as the `event` field.")
    id: str | None = Field(description="Null: no session has changed.")
    quiet_ms: int = Field(description="For how many milliseconds nothing had changed; 0 if that is not known.")


class FieldProblem(BaseModel):
    """An invalid part of a request."""

    loc: list[str | int] = Field(
        description="Where: `body`, `query`, `path` or `header`, then the path from there.",
        examples=[["body", "title"]],
    )
    msg: str = Field(description="What is wrong.", examples=["must have at most 200 characters"])
    type: str = Field(description="The violated rule, for programs.", examples=["string_too_long"])


class Problem(BaseModel):
    """An error in the format of RFC 9457."""

    type: str = Field(description="Identifies the error, for programs:", examples=["urn:chat-sessions:session-busy"])
    title: str = Field(description="The type in words.", examples=["Session busy"])
    status: int = Field(description="The HTTP status.", examples=[409])
    detail: str = Field(
        description="What happened and what to do, for people.",
        examples=["Other requests are writing to this session. Try again."],
    )


class ValidationProblem(Problem):
    """An invalid request, with one entry in `errors` per invalid part."""

    errors: list[FieldProblem] = Field(description="The invalid parts; at most 20.")


class Liveness(BaseModel):
    """The process responds."""

    status: Literal["ok"] = Field(description="Always `ok`.")


class Readiness(BaseModel):
    """The service is ready. `degraded` means it runs without its cache, more slowly."""

    status: Literal["ok", "degraded"] = Field(description="`degraded` if the cache is.")
    database: Literal["ok"] = Field(description="Postgres and the query engine. While one is down, this is a 503.")
    cache: Literal["ok", "degraded"] = Field(description="Redis; `degraded` if it is unavailable.")
