"""The errors of the client.

ChatSessionsError
├── Unreachable               no response
└── Problem                   an error response (RFC 9457)
    ├── NotFound              404  no such session or message
    ├── Conflict              409  the id was deleted, a message with the id has other content, or the session is busy
    └── PreconditionFailed    412  the session has changed, or does not end at `after_sequence`
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2


class ChatSessionsError(Exception):
    """The base class of all errors of the client."""


class Unreachable(ChatSessionsError):
    """The service did not respond, or its response broke off."""

    def __init__(self, message: str, *, may_be_applied: bool) -> None:
        super().__init__(message)
        self.may_be_applied = may_be_applied
        """Whether the request was sent, so that the service may have applied it."""


class Problem(ChatSessionsError):
    """An error response. `status` and `type` are for programs, `detail` is for people."""

    def __init__(self, status: int, members: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.type: str = members.get("type", "about:blank")
        self.title: str = members.get("title", "")
        self.detail: str = members.get("detail", "")
        self.errors: Sequence[Mapping[str, Any]] = members.get("errors", ())
        """The invalid fields of the request, for a 422."""
        self.retry_after = retry_after
        """Seconds after which a retry may succeed."""
        self.attempts = 1
        super().__init__(f"{status} {self.title}: {self.detail}")

    @property
    def may_be_applied(self) -> bool:
        """Whether the service may have applied the request."""
        return self.status == httpx2.codes.SERVICE_UNAVAILABLE

    @staticmethod
    def of(response: httpx2.Response) -> "Problem":
        """Return the error of a response. It may come from a proxy and not be a problem document."""
        members: Mapping[str, Any] = {"title": response.reason_phrase, "detail": response.text[:500]}
        if response.headers.get("Content-Type", "").startswith("application/problem+json"):
            members = response.json()
        after = response.headers.get("Retry-After", "")
        kind = KINDS.get(response.status_code, Problem)
        return kind(response.status_code, members, float(after) if after.isdecimal() else None)


class NotFound(Problem):
    """The session or message does not exist."""


class Conflict(Problem):
    """A session with this id was deleted, a message with this id has other content, or the session is busy."""


class PreconditionFailed(Problem):
    """The session has changed since `if_match`, or does not end at `after_sequence`."""


KINDS: Mapping[int, type[Problem]] = {404: NotFound, 409: Conflict, 412: PreconditionFailed}


@contextmanager
def translated() -> Iterator[None]:
    """Translate errors of the HTTP library to Unreachable."""
    try:
        yield
    except httpx2.TransportError as error:
        unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
        raise Unreachable(f"{type(error).__name__}: {error}", may_be_applied=not unsent) from error
