"""The user a request speaks for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """A verified token's user, and when the token expires (Unix time, leeway included)."""

    id: str
    expires_at: float
