"""Cursors: the sort values of the last row seen, so they stay valid if that row is deleted.

Not signed: a forged one only leads to another position among the same user's rows.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chat_sessions.contract.fields import MAX_INTEGER
from chat_sessions.contract.storable import is_storable
from chat_sessions.errors import BadRequest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
OF_ANOTHER_ORDER = "The cursor belongs to a list in another order. Repeat its `pinned_first`, or omit the cursor."
DAMAGED = "The cursor is damaged. Omit it to start from the first page."


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in the list."""

    #: None unless pinned sessions come first.
    pinned: bool | None
    updated_at: datetime
    id: str

    def encode(self) -> str:
        """Return the cursor as an opaque, URL-safe string."""
        return _encode(self.pinned, self.updated_at, self.id)

    @classmethod
    def decode(cls, text: str, *, pinned_first: bool) -> "Cursor":
        """Decode a cursor, or raise BadRequest if it is damaged or belongs to a list in another order."""
        pinned, updated_at, session_id = _decode(text)
        if type(pinned) is not bool if pinned_first else pinned is not None:
            raise BadRequest(OF_ANOTHER_ORDER, "query", "cursor")
        return cls(pinned, updated_at, session_id)


@dataclass(frozen=True, slots=True)
class SearchCursor:
    """A position in a search: a session, and the sequence below which its messages are still to be searched."""

    below: int
    updated_at: datetime
    id: str

    def encode(self) -> str:
        """Return the cursor as an opaque, URL-safe string."""
        return _encode(self.below, self.updated_at, self.id)

    @classmethod
    def decode(cls, text: str) -> "SearchCursor":
        """Decode a cursor, or raise BadRequest if it is damaged or a list's."""
        below, updated_at, session_id = _decode(text)
        if type(below) is not int or not 0 <= below <= MAX_INTEGER:
            raise BadRequest(DAMAGED, "query", "cursor")
        return cls(below, updated_at, session_id)


def _encode(first: bool | int | None, updated_at: datetime, session_id: str) -> str:  # noqa: FBT001  a value
    values = [first, (updated_at - EPOCH) // MILLISECOND, session_id]
    return urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(text: str) -> tuple[Any, datetime, str]:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        first, milliseconds, session_id = json.loads(urlsafe_b64decode(padded))
        updated_at = EPOCH + milliseconds * MILLISECOND
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise BadRequest(DAMAGED, "query", "cursor") from None
    if not isinstance(session_id, str) or not is_storable(session_id) or type(milliseconds) is not int:
        raise BadRequest(DAMAGED, "query", "cursor")
    return first, updated_at, session_id
