"""The user who sends a request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """The user of a verified token, and when it expires (Unix time, including leeway)."""

    id: str
    expires_at: float
