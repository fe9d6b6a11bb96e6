"""The SQLSTATEs of statements that Postgres rejects because of the data they store or compare."""

from typing import Final

from prisma.errors import RawQueryError

UNIQUE_VIOLATION: Final = "23505"
# A number that Postgres can store as json, but not convert to jsonb for comparison.
NOT_COMPARABLE: Final = "22003"


def has_sqlstate(error: RawQueryError, state: str) -> bool:
    """Return whether Postgres has reported this state."""
    return bool(error.meta.get("code") == state)
