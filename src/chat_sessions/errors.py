"""Everything that can go wrong, as one small tree; each error carries the status it answers with.

ChatSessionsError
├── BadRequest                  422  what the client sent cannot be used
├── Unauthorized                401
├── BodyTooLarge                413
├── SessionNotFound             404  missing, deleted or somebody else's: nobody can tell which
├── Conflict                    409
│   ├── SessionIdTaken          409  the user has deleted a session with this id
│   └── SessionBusy             409  other writers hold the session's lock
├── PreconditionFailed          412  If-Match names another version
├── TooManyRequests             429  the user asks more often than one user may
├── TooManyStreams              429
├── Unavailable                 503
│   ├── DatabaseUnavailable     503  Postgres or the query engine is away, or refuses
│   │   └── StatementUndone     503  it refused, and nothing has happened
│   ├── NotReady                503  of /readyz: the reason is for whoever operates the service
│   └── ShuttingDown            503  of /readyz: others take over
└── MigrationFailed              —   of the command line
"""

from http import HTTPStatus
from typing import ClassVar


class ChatSessionsError(Exception):
    """The root. `str(error)` is shown to clients: no SQL, no paths, nothing of other users."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    detail: ClassVar[str] = "The service failed; the error is in its log."
    retry_after: int | None = None
    """Seconds after which the same request may succeed; sent as Retry-After."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.detail)


class BadRequest(ChatSessionsError):
    """What the client sent cannot be used as it is."""

    # The number, for the name changed between Python 3.12 and 3.13.
    status = HTTPStatus(422)
    detail = "The request cannot be used as it is."

    def __init__(self, detail: str | None = None, *location: str) -> None:
        super().__init__(detail)
        self.location = location


class Unauthorized(ChatSessionsError):
    """There is no token, or one that proves nothing."""

    status = HTTPStatus.UNAUTHORIZED
    detail = "Send a valid token as `Authorization: Bearer <JWT>`."

    def __init__(self, reason: str | None = None, *, detail: str | None = None) -> None:
        """Take why the token is refused, which the log tells and the client does not learn; None if there is none."""
        super().__init__(detail)
        self.reason = reason

    @property
    def challenge(self) -> str:
        """What WWW-Authenticate says: RFC 6750, 3.1, has an error only for those who sent a token."""
        return "Bearer" if self.reason is None else f'Bearer error="invalid_token", error_description="{self}"'


class BodyTooLarge(ChatSessionsError):
    """The body has more bytes than the service takes."""

    # The number, for the name changed between Python 3.12 and 3.13.
    status = HTTPStatus(413)
    detail = "The body is larger than the service accepts; send less at once."

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {size_in_words(limit)}; send less at once.")


class SessionNotFound(ChatSessionsError):
    """There is no such session for this user."""

    status = HTTPStatus.NOT_FOUND
    detail = "There is no such session."


class Conflict(ChatSessionsError):
    """The request contradicts what is there."""

    status = HTTPStatus.CONFLICT
    detail = "The request contradicts the state of the session."


class SessionIdTaken(Conflict):
    """The user has deleted a session with this id."""

    detail = "You have deleted a session with this id; mint another one."


class SessionBusy(Conflict):
    """Other writers kept the session locked for as long as a request may wait."""

    detail = "Other writers are busy with this session; try again."
    retry_after = 1


class PreconditionFailed(ChatSessionsError):
    """The session is no longer what If-Match says."""

    status = HTTPStatus.PRECONDITION_FAILED
    detail = "The session has changed since; read it again and repeat with its new ETag."


class TooManyRequests(ChatSessionsError):
    """The user asks more often than one user may."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    detail = "Too many requests; Retry-After says when to try again."
    retry_after = 1

    def __init__(self, retry_after: int = retry_after) -> None:
        super().__init__(f"Too many requests; try again in {retry_after} s.")
        self.retry_after = retry_after


class TooManyStreams(ChatSessionsError):
    """The user holds as many event streams open as one user may."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    detail = "Too many event streams are open for this user; close one first."
    retry_after = 5


class Unavailable(ChatSessionsError):
    """A part that the service needs is away for the moment."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    detail = "The service cannot answer right now; try again."
    retry_after = 1

    def __init__(self, detail: str | None = None, *, retry_after: int = retry_after) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class DatabaseUnavailable(Unavailable):
    """Postgres or the query engine is away or refuses; a write may or may not have happened, so repeat it.

    Clients see the same sentence whatever the reason. The reason, without names or addresses, is for operators; what
    Postgres or the engine said is for the log alone.
    """

    detail = "The database cannot serve this right now; try again."

    def __init__(self, reason: str = "The query engine does not answer.", said: str | None = None) -> None:
        super().__init__()
        self.reason = reason
        self.said = said


class StatementUndone(DatabaseUnavailable):
    """Postgres has undone the statement, and with it its transaction, so that repeating cannot do it twice."""


class NotReady(Unavailable):
    """The database lacks something; the detail says what to do."""


class ShuttingDown(Unavailable):
    """The process is about to end."""

    detail = "This process is about to end; ask another one."


class MigrationFailed(ChatSessionsError):
    """A migration could not be applied; the message says which and why."""


_UNITS = ("bytes", "KiB", "MiB", "GiB")


def size_in_words(count: int) -> str:
    """Return a number of bytes as `4 MiB`; what is no whole number of units is said in smaller ones."""
    unit = 0
    while count and count % 1024 == 0 and unit < len(_UNITS) - 1:
        count, unit = count // 1024, unit + 1
    return f"{count:,} {_UNITS[unit]}"
