"""Which sessions: the `where` and the order of Prisma's queries."""

from typing import NamedTuple

from prisma.models import ChatSession
from prisma.types import ChatSessionOrderByInput, ChatSessionWhereInput

from chat_sessions.cursor import Cursor
from chat_sessions.schemas import BatchDeletion


class ListQuery(NamedTuple):
    """Which page of which list: everything that its answer depends on, but the user."""

    limit: int
    offset: int = 0
    cursor: str | None = None
    q: str | None = None
    pinned_first: bool = True


def matching(user: str, q: str | None) -> ChatSessionWhereInput:
    """Return the sessions that a list counts."""
    if not q:
        return {"userId": user}
    # Prisma hands the text to LIKE as it is.
    escaped = q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {"userId": user, "title": {"contains": escaped, "mode": "insensitive"}}


def of_batch(user: str, batch: BatchDeletion) -> ChatSessionWhereInput:
    """Return the sessions that a batch names."""
    if batch.filter is None:
        return {"userId": user, "id": {"in": batch.ids or []}}
    where = matching(user, batch.filter.q)
    if batch.filter.updated_before is not None:
        where["updatedAt"] = {"lt": batch.filter.updated_before}
    if batch.filter.pinned is not None:
        where["isPinned"] = batch.filter.pinned
    return where


def after(matching: ChatSessionWhereInput, query: ListQuery) -> ChatSessionWhereInput:
    """Add what comes after the cursor, phrased so that Postgres starts in the index at that place."""
    if query.cursor is None:
        return matching
    cursor = Cursor.decode(query.cursor, pinned_first=query.pinned_first)
    deeper: ChatSessionWhereInput = {
        "updatedAt": {"lte": cursor.updated_at},
        "OR": [
            {"updatedAt": {"lt": cursor.updated_at}},
            {"updatedAt": cursor.updated_at, "id": {"lt": cursor.id}},
        ],
    }
    if cursor.pinned is None:
        return {"AND": [matching, deeper]}
    if not cursor.pinned:
        return {"AND": [matching, {"isPinned": False}, deeper]}
    return {"AND": [matching, {"OR": [{"isPinned": False}, {"AND": [{"isPinned": True}, deeper]}]}]}


def order(*, pinned_first: bool) -> list[ChatSessionOrderByInput]:
    """Return the order of the list; the indexes of ChatSession have the same."""
    newest_first: list[ChatSessionOrderByInput] = [{"updatedAt": "desc"}, {"id": "desc"}]
    return [{"isPinned": "desc"}, *newest_first] if pinned_first else newest_first


def cursor_at(row: ChatSession, query: ListQuery) -> Cursor:
    """Return the cursor behind a row."""
    return Cursor(row.isPinned if query.pinned_first else None, row.updatedAt, row.id)
