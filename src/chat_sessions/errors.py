"""The errors, as one small tree; each carries its HTTP status.

ChatSessionsError
├── BadRequest                  422  invalid input
├── Unauthorized                401
├── BodyTooLarge                413
├── UnsupportedMediaType        415  the body is not plain JSON
├── SessionNotFound             404  missing, deleted or another user's: indistinguishable
├── MessageNotFound             404  the user has no such message
├── Conflict                    409
│   ├── SessionIdTaken          409  the user has deleted a session with this id
│   ├── MessageIdTaken          409  the session has another message with this id
│   └── SessionBusy             409  the session's lock timed out
├── PreconditionFailed          412  If-Match does not match
│   └── EndMoved                412  the session does not end at `after_sequence`
├── TooManyRequests             429  rate limit
├── TooManyStreams              429
├── TooManyExports              429
├── Unavailable                 503
│   ├── DatabaseUnavailable     503  Postgres or the query engine is down, or rejects queries
│   │   └── StatementUndone     503  rejected and rolled back
│   ├── NotReady                503  /readyz, with the reason for the operator
│   └── ShuttingDown            503  /readyz while draining
└── MigrationFailed              —   command line only
"""

from http import HTTPStatus
from typing import ClassVar


class ChatSessionsError(Exception):
    """The root. Clients see `str(error)`: no SQL, no file paths, no other user's data."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    detail: ClassVar[str] = "Internal error. Report the X-Request-ID; the log has the cause."
    retry_after: int | None = None
    """Seconds until a retry may succeed; sent as Retry-After."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.detail)


class BadRequest(ChatSessionsError):
    """The input is invalid."""

    # By number: Python 3.13 renamed the member.
    status = HTTPStatus(422)
    detail = "Invalid request."

    def __init__(self, detail: str | None = None, *location: str) -> None:
        super().__init__(detail)
        self.location = location


class Unauthorized(ChatSessionsError):
    """The token is missing or invalid."""

    status = HTTPStatus.UNAUTHORIZED
    detail = "Send a valid token as `Authorization: Bearer <JWT>`."

    def __init__(self, reason: str | None = None, *, detail: str | None = None) -> None:
        """`reason` is logged and never sent; None if there is no token."""
        super().__init__(detail)
        self.reason = reason

    @property
    def challenge(self) -> str:
        """WWW-Authenticate; RFC 6750, 3.1: an error code only if a token was sent."""
        return "Bearer" if self.reason is None else f'Bearer error="invalid_token", error_description="{self}"'


class BodyTooLarge(ChatSessionsError):
    """The body exceeds the limit."""

    # By number: Python 3.13 renamed the member.
    status = HTTPStatus(413)
    detail = "Body too large. Send less per request."

    def __init__(self, limit: int) -> None:
        super().__init__(f"Body exceeds {size_in_words(limit)}. Send less per request.")


class UrlTooLong(ChatSessionsError):
    """The URL exceeds the limit on headers; the server rejects it before the app sees the request."""

    # As above.
    status = HTTPStatus(414)
    detail = "URL too long. Use a shorter one."


class UnsupportedMediaType(ChatSessionsError):
    """The body is not JSON, or is compressed."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    detail = "Send the body as JSON with `Content-Type: application/json`, uncompressed."


class SessionNotFound(ChatSessionsError):
    """The user has no such session."""

    status = HTTPStatus.NOT_FOUND
    detail = "Session not found."


class MessageNotFound(ChatSessionsError):
    """The user has no session with such a message."""

    status = HTTPStatus.NOT_FOUND
    detail = "Message not found."


class Conflict(ChatSessionsError):
    """The request conflicts with the current state."""

    status = HTTPStatus.CONFLICT
    detail = "The request conflicts with the session's state."


class SessionIdTaken(Conflict):
    """The user has deleted a session with this id."""

    detail = "You have deleted a session with this id. Use a new one."


class MessageIdTaken(Conflict):
    """The session has another message with this id."""

    detail = "The session has another message with one of these ids. Use a new id."


class SessionBusy(Conflict):
    """The wait for the session's lock timed out."""

    detail = "Other requests are writing to this session. Try again."
    retry_after = 1


class PreconditionFailed(ChatSessionsError):
    """If-Match does not match."""

    status = HTTPStatus.PRECONDITION_FAILED
    detail = "The session has changed. Read it again and retry with its new ETag."


class EndMoved(PreconditionFailed):
    """The session does not end where the writer expects."""

    detail = "The session does not end at `after_sequence`. Read its newest messages, then decide what to append."


class TooManyRequests(ChatSessionsError):
    """The user has exceeded the rate limit."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    detail = "Rate limit exceeded. Retry-After says when to try again."
    retry_after = 1

    def __init__(self, retry_after: int = retry_after) -> None:
        super().__init__(f"Rate limit exceeded. Try again in {retry_after} s.")
        self.retry_after = retry_after


class TooManyStreams(ChatSessionsError):
    """The user has reached the limit of open event streams."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    detail = "Too many open event streams. Close one and try again."
    retry_after = 5


class TooManyExports(ChatSessionsError):
    """An export of the user is running."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    detail = "Another export of yours is running. Try again when it is complete."
    retry_after = 5


class Unavailable(ChatSessionsError):
    """A dependency is unavailable."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    detail = "Service unavailable. Try again."
    retry_after = 1

    def __init__(self, detail: str | None = None, *, retry_after: int = retry_after) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class DatabaseUnavailable(Unavailable):
    """Postgres or the query engine is down or rejects queries; a write may or may not have been applied.

    Clients always see `detail`. Operators see `reason`, which has no names or addresses; only the log has `cause`, the
    original message of Postgres or the engine.
    """

    detail = "Database unavailable. Try again."

    def __init__(self, reason: str = "The query engine does not respond.", cause: str | None = None) -> None:
        super().__init__()
        self.reason = reason
        self.cause = cause


class StatementUndone(DatabaseUnavailable):
    """Postgres has rolled back, so a retry cannot apply the statement twice."""


class NotReady(Unavailable):
    """The database is not usable; the detail says what to do."""


class ShuttingDown(Unavailable):
    """The process is draining."""

    detail = "This process is shutting down. Use another one."


class MigrationFailed(ChatSessionsError):
    """A migration could not be applied; the message says which and why."""


_UNITS = ("bytes", "KiB", "MiB", "GiB")


def counted(count: int, what: str) -> str:
    """Return a number of things: `1,234 sessions`."""
    return f"{count:,} {what}{'s'[: count != 1]}"


def size_in_words(count: int) -> str:
    """Format a number of bytes as `4 MiB`, in the largest unit that divides it."""
    unit = 0
    while count and count % 1024 == 0 and unit < len(_UNITS) - 1:
        count, unit = count // 1024, unit + 1
    return f"{count:,} {_UNITS[unit]}"
