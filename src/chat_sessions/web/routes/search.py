"""Search titles and messages."""

from fastapi import APIRouter, Response

from chat_sessions.contract.search import SearchResults
from chat_sessions.errors import BadRequest, DatabaseUnavailable, TooManyRequests, Unauthorized, UrlTooLong
from chat_sessions.web.dependencies import CurrentUser, SearchParameters, Sessions
from chat_sessions.web.problems import documented
from chat_sessions.web.user_route import UserRoute

router = APIRouter(prefix="/api/chat/sessions/search", tags=["sessions"], route_class=UserRoute)


@router.get(
    "",
    operation_id="searchSessions",
    summary="Search titles and messages",
    response_model=SearchResults,
    response_description="A page of results.",
    responses=documented(Unauthorized, BadRequest, TooManyRequests, DatabaseUnavailable, UrlTooLong),
)
async def search_sessions(user: CurrentUser, sessions: Sessions, query: SearchParameters) -> Response:
    """Return the sessions whose title or messages contain a text, those with the latest messages first.

    Archived sessions are included. Instructions, tool calls and their results are not searched, nor what follows the
    first 65,536 characters of a message. A call searches for about a second: follow `next_cursor` while it is not null.
    """
    body = await sessions.search(user.id, query)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
