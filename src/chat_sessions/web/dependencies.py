"""The dependencies of handlers, as type aliases."""

from collections.abc import AsyncIterator
from typing import Annotated, TypedDict, TypeVar

from fastapi import Depends, Header, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from chat_sessions.cache.feed import Feed, Stream
from chat_sessions.cache.rate_limit import RateLimit
from chat_sessions.contract import etags, metadata_filter
from chat_sessions.contract.fields import MAX_INTEGER
from chat_sessions.contract.ids import canonical
from chat_sessions.contract.search import SearchQuery
from chat_sessions.contract.storable import Text, is_storable
from chat_sessions.contract.user import User
from chat_sessions.errors import BadRequest, MessageNotFound, SessionNotFound, Unauthorized
from chat_sessions.model import ChatSessions
from chat_sessions.settings import Settings
from chat_sessions.store.filters import DEFAULT_LIMIT, MAX_LIMIT, Archived, ListQuery
from chat_sessions.store.session_store import MessageQuery
from chat_sessions.telemetry.exposition import Exposition
from chat_sessions.web.auth.tokens import Authenticator
from chat_sessions.web.health import Health

T = TypeVar("T")
# Query strings with a cursor are mostly unique; this is enough for those that repeat.
MAX_PARSED_QUERIES = 1024
MAX_PARSED_QUERY_BYTES = 2048
WHOLE_TURNS = (
    "Whether a page that would begin with the result of a tool also has the messages before it, back to the one that "
    "called the tool: at most 200 more, and at most 4 MiB. Results are messages with the role `tool` or `function` and "
    "user messages with a part of the type `tool_result`."
)


class ParsedQueries:
    """Query strings that were parsed and validated before: the same string always means the same query."""

    def __init__(self) -> None:
        self.lists: dict[bytes, ListQuery] = {}
        self.messages: dict[bytes, MessageQuery] = {}


class AppState(TypedDict):
    """The state that the lifespan opens and requests use."""

    authenticator: Authenticator
    rate_limit: RateLimit | None
    parsed_queries: ParsedQueries
    sessions: ChatSessions
    feed: Feed
    health: Health
    exposition: Exposition
    settings: Settings


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A JWT whose `sub` is the user.")


async def _sessions(request: Request) -> ChatSessions:
    sessions: ChatSessions = request.state.sessions
    return sessions


async def _health(request: Request) -> Health:
    health: Health = request.state.health
    return health


async def _exposition(request: Request) -> Exposition:
    exposition: Exposition = request.state.exposition
    return exposition


async def authenticate(request: Request) -> None:
    """Verify the token, or raise Unauthorized; then count the request, or raise TooManyRequests."""
    # With two headers, a proxy may have checked the other one.
    if len(request.headers.getlist("authorization")) > 1:
        raise Unauthorized("there are several Authorization headers")
    credentials = await _bearer(request)
    if credentials is None:
        raise Unauthorized
    authenticator: Authenticator = request.state.authenticator
    user = await authenticator.user(credentials.credentials)
    request.scope["user"], request.scope["user_id"] = user, user.id
    rate_limit: RateLimit | None = request.state.rate_limit
    if rate_limit is not None:
        await rate_limit.admit(user.id)


async def _current_user(
    request: Request,
    _credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],  # for the document
) -> User:
    user: User = request.user
    return user


async def _stream(request: Request, user: Annotated[User, Depends(_current_user)]) -> AsyncIterator[Stream]:
    feed: Feed = request.state.feed
    async with feed.opened(user) as stream:
        yield stream


async def _session_id(session_id: Annotated[str, Path(description="The id of a session. Unknown ids are 404.")]) -> str:
    # What cannot be stored does not exist.
    if not is_storable(session_id):
        raise SessionNotFound
    return canonical(session_id)


async def _message_id(message_id: Annotated[str, Path(description="The `id` of the message, URL-encoded.")]) -> str:
    if not is_storable(message_id):
        raise MessageNotFound
    return message_id


def _remember(request: Request, queries: dict[bytes, T], parsed: T) -> T:
    text: bytes = request.scope["query_string"]
    if len(text) <= MAX_PARSED_QUERY_BYTES:
        if len(queries) >= MAX_PARSED_QUERIES:
            queries.clear()
        queries[text] = parsed
    return parsed


async def _list_query(  # noqa: PLR0913, PLR0917  each is a parameter of the query
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Sessions per page.")] = DEFAULT_LIMIT,
    offset: Annotated[int, Query(ge=0, le=MAX_INTEGER, description="Sessions to skip. Excludes `cursor`.")] = 0,
    cursor: Annotated[str | None, Query(max_length=1000, description="The `next_cursor` of the previous page.")] = None,
    q: Annotated[
        Text | None,
        Query(max_length=200, description="Only titles that contain this, regardless of case and accents."),
    ] = None,
    pinned_first: Annotated[bool, Query(description="Whether pinned sessions come first.")] = True,  # noqa: FBT002
    archived: Annotated[
        Archived, Query(description="`true` lists only archived sessions, `any` all; the default omits them.")
    ] = "false",
    metadata: Annotated[
        str | None,
        Query(
            max_length=metadata_filter.MAX_FILTER,
            description="Only sessions whose metadata contains this JSON object; numbers are compared by value.",
            examples=['{"project":"lisbon"}'],
        ),
    ] = None,
) -> ListQuery:
    if cursor is not None and offset:
        message = "Use either `cursor` or `offset`, not both."
        raise BadRequest(message, "query", "offset")
    wanted = metadata_filter.checked(metadata) if metadata else None
    return ListQuery(limit, offset, cursor, q and q.strip(), pinned_first, archived, wanted)


async def _search_query(
    q: Annotated[
        Text, Query(min_length=1, max_length=200, description="The text to find, regardless of case and accents.")
    ],
    limit: Annotated[int, Query(ge=1, le=50, description="Results per page.")] = 20,
    cursor: Annotated[str | None, Query(max_length=1000, description="The `next_cursor` of the previous page.")] = None,
) -> SearchQuery:
    return SearchQuery(q, limit, cursor)


async def _parsed_list_query(request: Request, query: Annotated[ListQuery, Depends(_list_query)]) -> ListQuery:
    queries: ParsedQueries = request.state.parsed_queries
    return _remember(request, queries.lists, query)


async def _message_query(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200, description="Messages per page.")] = 50,
    before_sequence: Annotated[
        int | None, Query(ge=0, le=MAX_INTEGER, description="Only messages with a lower sequence.")
    ] = None,
    whole_turns: Annotated[bool, Query(description=WHOLE_TURNS)] = False,  # noqa: FBT002
) -> MessageQuery:
    queries: ParsedQueries = request.state.parsed_queries
    return _remember(request, queries.messages, MessageQuery(limit, before_sequence, whole_turns))


async def _if_match(
    request: Request,
    if_match: Annotated[
        str | None, Header(alias="If-Match", description="The ETag the session must have; otherwise 412.")
    ] = None,
) -> tuple[int, ...] | None:
    # Several header lines form one list (RFC 9110, 5.3); the parameter has only the first line.
    versions = etags.versions(None if if_match is None else ", ".join(request.headers.getlist("if-match")))
    return None if versions is None else tuple(versions)


LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="The `id` of the last event you received.")
]
OpenStream = Annotated[Stream, Depends(_stream)]
CurrentUser = Annotated[User, Depends(_current_user)]
AllMetrics = Annotated[Exposition, Depends(_exposition)]
ServiceHealth = Annotated[Health, Depends(_health)]
Sessions = Annotated[ChatSessions, Depends(_sessions)]
PathSessionId = Annotated[str, Depends(_session_id)]
PathMessageId = Annotated[str, Depends(_message_id)]
SearchParameters = Annotated[SearchQuery, Depends(_search_query)]
ListParameters = Annotated[ListQuery, Depends(_parsed_list_query)]
MessageParameters = Annotated[MessageQuery, Depends(_message_query)]
FromSequence = Annotated[
    int, Query(ge=0, le=MAX_INTEGER, description="The sequence of the first message to delete.", examples=[2])
]
IfMatch = Annotated[tuple[int, ...] | None, Depends(_if_match)]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="An ETag; 304 if it is still current.")]
