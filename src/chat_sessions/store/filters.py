"""Which sessions a query selects: the `where` of Prisma's queries."""

from datetime import datetime
from typing import Literal, NamedTuple

from prisma.types import ChatSessionWhereInput

from chat_sessions.contract.schemas import BatchDeletion
from chat_sessions.contract.search_key import search_key

# Which part of a user's sessions a list shows, by whether they are archived.
Archived = Literal["false", "true", "any"]


class ListQuery(NamedTuple):
    """Everything that a page of the list depends on, except the user."""

    limit: int
    offset: int = 0
    cursor: str | None = None
    q: str | None = None
    pinned_first: bool = True
    archived: Archived = "false"
    # A JSON object that the metadata must contain.
    metadata: str | None = None

    @property
    def is_search(self) -> bool:
        """Whether it filters."""
        return bool(self.q or self.metadata)


def matching(user: str, q: str | None) -> ChatSessionWhereInput:
    """Match the user's sessions whose title contains the text."""
    if not q:
        return {"userId": user}
    # A text without anything visible matches only such titles. Prisma passes texts to LIKE unescaped.
    key = search_key(q)
    keyed: ChatSessionWhereInput = {"titleKey": {"contains": escaped(key)} if key else ""}
    keyless: ChatSessionWhereInput = {"titleKey": None, "title": {"contains": escaped(q), "mode": "insensitive"}}
    return {"userId": user, "OR": [keyed, keyless]}


def patterns(q: str) -> tuple[str, str]:
    """Return what LIKE compares with the keys of titles, and ILIKE with titles that have none: as `matching` does."""
    key = search_key(q)
    return f"%{escaped(key)}%" if key else "", f"%{escaped(q)}%"


def escaped(q: str) -> str:
    """Escape the text so that LIKE matches it literally."""
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def of_batch(user: str, batch: BatchDeletion) -> ChatSessionWhereInput:
    """Match the sessions of a batch."""
    if batch.filter is None:
        return {"userId": user, "id": {"in": batch.ids or []}}
    where = matching(user, batch.filter.q)
    if batch.filter.updated_before is not None:
        where["updatedAt"] = {"lt": batch.filter.updated_before}
    if batch.filter.pinned is not None:
        where["isPinned"] = batch.filter.pinned
    return where


def beyond(where: ChatSessionWhereInput, last: str, begun_at: datetime) -> ChatSessionWhereInput:
    """Match the sessions of a batch with an id after the last one; those created since it began are not part of it."""
    return {"AND": [{"id": {"gt": last}, "createdAt": {"lte": begun_at}}, where]}
