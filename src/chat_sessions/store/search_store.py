"""The search of titles and messages, in bounded pieces, until the page is full or time is up."""

from asyncio import sleep
from datetime import datetime
from time import monotonic
from typing import Any, Final, NamedTuple

from prisma import Prisma
from pydantic_core import to_json

from chat_sessions.contract.cursor import SearchCursor
from chat_sessions.contract.fields import MAX_INTEGER
from chat_sessions.contract.search import SearchQuery
from chat_sessions.contract.search_key import search_key
from chat_sessions.contract.searchable_text import stored_searchable_text
from chat_sessions.contract.snippet import snippet
from chat_sessions.store import filters, sql_search

# People wait for the first page; a client that gets few results requests more.
SECONDS_PER_PAGE: Final = 1.0
NEWEST: Final = ("infinity", "", MAX_INTEGER)


class Found(NamedTuple):
    """A result as JSON, or None where the search only stopped; and where to continue, if anything is left."""

    result: bytes | None
    next_cursor: SearchCursor | None


class SearchStore:
    """Searches the sessions of one user at a time."""

    def __init__(self, prisma: Prisma) -> None:
        self._prisma = prisma

    async def page(self, user: str, query: SearchQuery) -> bytes:
        """Return a page of SearchResults as JSON; raise BadRequest for an invalid cursor."""
        if not search_key(query.q):
            return b'{"results":[],"next_cursor":null}'
        results: list[bytes] = []
        start = None if query.cursor is None else SearchCursor.decode(query.cursor)
        deadline = monotonic() + SECONDS_PER_PAGE
        while len(results) < query.limit:
            found = await self._searched(user, query.q, start, query.limit - len(results))
            results += [each.result for each in found if each.result]
            start = found[-1].next_cursor if found else None
            if start is None or monotonic() > deadline:
                break
        cursor = None if start is None else start.encode()
        return b'{"results":[%b],"next_cursor":%b}' % (b",".join(results), to_json(cursor))

    async def _searched(self, user: str, q: str, start: SearchCursor | None, limit: int) -> list[Found]:
        """Search one piece."""
        position = NEWEST if start is None else (start.updated_at.isoformat(), start.id, start.below)
        found: list[Found] = []
        for row in await self._prisma.query_raw(sql_search.SEARCH, user, *filters.patterns(q), *position, limit):
            found.append(await self._found(user, row, search_key(q)))
            if found[-1].result is None:
                break
        return found

    async def _found(self, user: str, row: dict[str, Any], key: str) -> Found:
        message = await self._message(user, row, key)
        # The message may have no key, or that of an earlier text, and not match. The search continues below it.
        is_result = message is not None or (row["titled"] and not row["sequence"])
        below = 0 if is_result else row["sequence"] or row["from"]
        end = SearchCursor(below, datetime.fromisoformat(row["updated_at"]), row["id"])
        result = b'{"session":%b,"message":%b}' % (row["session"].encode(), to_json(message)) if is_result else None
        return Found(result, end if row["more"] or below else None)

    async def _message(self, user: str, row: dict[str, Any], key: str) -> dict[str, Any] | None:
        """Return the message that was found, unless it is gone."""
        if row["sequence"] is None:
            return None
        body = row["body"]
        if body is None:
            # One large message at a time; let other requests run.
            await sleep(0)
            large = await self._prisma.query_raw(sql_search.BODY, user, row["id"], row["sequence"])
            body = large[0]["body"] if large else "{}"
        text = snippet(stored_searchable_text(row["role"], body), key)
        return None if text is None else {"sequence": row["sequence"], "role": row["role"], "snippet": text}
