"""Which sessions a query selects."""

from typing import Final, Literal, NamedTuple

from chat_sessions.contract.search_key import search_key

# Which sessions a list shows: live ones, archived ones, or both.
Archived = Literal["false", "true", "any"]
# Sessions per page, by default and at most.
DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 100


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
        """Whether it filters by title or metadata."""
        return bool(self.q or self.metadata)


def patterns(q: str) -> tuple[str, str]:
    """Return the LIKE pattern for the keys of titles, and the ILIKE pattern for titles without a key."""
    key = search_key(q)
    return f"%{escaped(key)}%" if key else "", f"%{escaped(q)}%"


def escaped(q: str) -> str:
    """Escape the text so that LIKE matches it literally."""
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
