"""The ids of sessions: UUIDs, in lower case, or ids of other systems."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from chat_sessions.contract.storable import Text

# Paths of the API in the place of an id, and the dots that clients resolve themselves.
RESERVED: Final = frozenset(("events", "search", "batch-delete", ".", ".."))
_ID: Final = r"^[A-Za-z0-9_.:-]{1,128}$"
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def canonical(text: str) -> str:
    """Return the spelling under which a session is stored: a UUID names one session, whatever its case."""
    return text.lower() if _UUID.fullmatch(text) else text


def _is_addressable(text: str) -> str:
    if not re.fullmatch(_ID, text):
        message = "must be a UUID, or have 1 to 128 characters of A-Z, a-z, 0-9 and _ . : -"
        raise ValueError(message)
    if text in RESERVED:
        message = "is reserved; use another id"
        raise ValueError(message)
    return text


SessionId = Annotated[
    str,
    Field(
        description="A UUID of any version, returned in lower case, or another system's id.",
        examples=["3f1c8f0e-7a55-4f8e-9d3c-0a6b1f2e4d5c"],
        json_schema_extra={"pattern": _ID},
    ),
    AfterValidator(_is_addressable),
    AfterValidator(canonical),
]
# An id whose session need not exist.
AnyId = Annotated[Text, AfterValidator(canonical)]
