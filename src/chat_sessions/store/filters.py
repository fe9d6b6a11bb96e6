"""Which sessions a query selects."""

from typing import Literal, NamedTuple

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


def patterns(q: str) -> tuple[str, str]:
    """Return what LIKE compares with the keys of titles, and ILIKE with titles that have none."""
    key = search_key(q)
    return f"%{escaped(key)}%" if key else "", f"%{escaped(q)}%"


def escaped(q: str) -> str:
    """Escape the text so that LIKE matches it literally."""
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
