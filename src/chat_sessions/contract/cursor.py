"""The cursor of the list: the sort values of the last row seen, so that it survives that row's deletion."""

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
    """A place in the list. It is not signed: a forged one leads to another place in the same user's list."""

    #: None in a list that does not put pinned sessions first.
    pinned: bool | None
    updated_at: datetime
    id: str

    def encode(self) -> str:
        """Return the cursor as an opaque, URL-safe string."""
        values = [self.pinned, (self.updated_at - EPOCH) // MILLISECOND, self.id]
        return urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, *, pinned_first: bool) -> "Cursor":
        """Read a cursor back, or raise BadRequest if it is damaged or belongs to a list in the other order."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            pinned, milliseconds, session_id = json.loads(urlsafe_b64decode(padded))
            updated_at = EPOCH + milliseconds * MILLISECOND
        except (ValueError, TypeError, OverflowError, RecursionError):
            message = "The cursor is damaged; start again without one."
            raise BadRequest(message, "query", "cursor") from None
        well_formed = isinstance(session_id, str) and is_storable(session_id) and type(milliseconds) is int
        if not well_formed or (type(pinned) is not bool if pinned_first else pinned is not None):
            message = "The cursor belongs to a list in another order; repeat its parameters or start again without one."
            raise BadRequest(message, "query", "cursor")
        return cls(pinned, updated_at, session_id)
