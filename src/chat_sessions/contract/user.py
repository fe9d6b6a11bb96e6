"""The user who sends a request."""

from dataclasses import dataclass

from chat_sessions.contract.storable import is_storable

MAX_USER_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class User:
    """The user of a verified token, and when it expires (Unix time, including leeway)."""

    id: str
    expires_at: float


def is_user(name: str) -> bool:
    """Return whether a token may name this user."""
    return 0 < len(name) <= MAX_USER_CHARACTERS and is_storable(name)
