"""The list's cursor: the sort values of the last row seen, so it stays valid if that row is deleted."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chat_sessions.contract.storable import is_storable
from chat_sessions.errors import BadRequest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in the list. Not signed: a forged one only leads to another position in the same user's list."""

    #: None unless pinned sessions come first.
    pinned: bool | None
    updated_at: datetime
    id: str

    def encode(self) -> str:
        """Return the cursor as an opaque, URL-safe string."""
        values = [self.pinned, (self.updated_at - EPOCH) // MILLISECOND, self.id]
        return urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, *, pinned_first: bool) -> "Cursor":
        """Decode a cursor, or raise BadRequest if it is damaged or belongs to a list in another order."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            pinned, milliseconds, session_id = json.loads(urlsafe_b64decode(padded))
            updated_at = EPOCH + milliseconds * MILLISECOND
        except (ValueError, TypeError, OverflowError, RecursionError):
            message = "The cursor is damaged. Omit it to start from the first page."
            raise BadRequest(message, "query", "cursor") from None
        well_formed = isinstance(session_id, str) and is_storable(session_id) and type(milliseconds) is int
        if not well_formed or (type(pinned) is not bool if pinned_first else pinned is not None):
            message = "The cursor belongs to a list in another order. Repeat its `pinned_first`, or omit the cursor."
            raise BadRequest(message, "query", "cursor")
        return cls(pinned, updated_at, session_id)
