"""The errors of the client.

ChatSessionsError
├── Unreachable               no response
└── Problem                   a response that is an error (RFC 9457)
    ├── NotFound              404  you have no such session, or no such message
    ├── Conflict              409  you have deleted the id, a message has other content, or the session is busy
    └── PreconditionFailed    412  the session has changed, or does not end at `after_sequence`
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2


class ChatSessionsError(Exception):
    """The root."""


class Unreachable(ChatSessionsError):
    """The service did not respond, or its response broke off."""

    def __init__(self, message: str, *, may_be_applied: bool) -> None:
        super().__init__(message)
        self.may_be_applied = may_be_applied
        """Whether the request was sent, so that it may have had its effect."""


class Problem(ChatSessionsError):
    """An error response. Programs tell them apart by `status` and `type`; people read `detail`."""

    def __init__(self, status: int, members: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.type: str = members.get("type", "about:blank")
        self.title: str = members.get("title", "")
        self.detail: str = members.get("detail", "")
        self.errors: Sequence[Mapping[str, Any]] = members.get("errors", ())
        """The invalid parts of the request, if it is a 422."""
        self.retry_after = retry_after
        """Seconds after which a retry may succeed."""
        self.attempts = 1
        super().__init__(f"{status} {self.title}: {self.detail}")

    @property
    def may_be_applied(self) -> bool:
        """Whether the request may have had its effect."""
        return self.status == httpx2.codes.SERVICE_UNAVAILABLE

    @staticmethod
    def of(response: httpx2.Response) -> "Problem":
        """Return the error that a response is; proxies in between have errors of their own."""
        members: Mapping[str, Any] = {"title": response.reason_phrase, "detail": response.text[:500]}
        if response.headers.get("Content-Type", "").startswith("application/problem+json"):
            members = response.json()
        after = response.headers.get("Retry-After", "")
        kind = KINDS.get(response.status_code, Problem)
        return kind(response.status_code, members, float(after) if after.isdecimal() else None)


class NotFound(Problem):
    """You have no such session, or the session no such message."""


class Conflict(Problem):
    """You have deleted a session with this id, a message of this id has other content, or the session is busy."""


class PreconditionFailed(Problem):
    """The session has changed since `if_match`, or does not end at `after_sequence`."""


KINDS: Mapping[int, type[Problem]] = {404: NotFound, 409: Conflict, 412: PreconditionFailed}


@contextmanager
def translated() -> Iterator[None]:
    """Raise Unreachable for the errors of the HTTP library."""
    try:
        yield
    except httpx2.TransportError as error:
        unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
        raise Unreachable(f"{type(error).__name__}: {error}", may_be_applied=not unsent) from error
