"""Which sessions: the `where` and the order of Prisma's queries."""

from datetime import datetime
from typing import NamedTuple

from prisma.types import ChatSessionWhereInput

from chat_sessions.contract.schemas import BatchDeletion


class ListQuery(NamedTuple):
    """Which page of which list: everything that its answer depends on, but the user."""

    limit: int
    offset: int = 0
    cursor: str | None = None
    q: str | None = None
    pinned_first: bool = True
    #: A JSON object that the metadata contains.
    metadata: str | None = None

    @property
    def is_search(self) -> bool:
        """Whether it leaves sessions out."""
        return bool(self.q or self.metadata)


def matching(user: str, q: str | None) -> ChatSessionWhereInput:
    """Return the sessions that a list counts."""
    if not q:
        return {"userId": user}
    # Prisma hands the text to LIKE as it is.
    return {"userId": user, "title": {"contains": escaped(q), "mode": "insensitive"}}


def escaped(q: str) -> str:
    """Return the text such that LIKE looks for it, and for nothing else."""
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


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


class Place(NamedTuple):
    """Where a walk through a batch has come to, and when it began: what is newer than that is none of the batch."""

    updated_at: datetime
    id: str
    begun_at: datetime


def beyond(where: ChatSessionWhereInput, place: Place) -> ChatSessionWhereInput:
    """Return the sessions of a batch beyond a place, in the order of their last change."""
    further: list[ChatSessionWhereInput] = [
        {"updatedAt": {"gt": place.updated_at}},
        {"updatedAt": place.updated_at, "id": {"gt": place.id}},
    ]
    # The first condition follows from the others; with it Postgres starts in the index at that place.
    bounds: ChatSessionWhereInput = {"updatedAt": {"gte": place.updated_at}, "createdAt": {"lte": place.begun_at}}
    return {"AND": [bounds, {"OR": further}, where]}
