"""Responses with a problem document (RFC 9457), independent of FastAPI, so that the server itself can send them."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from starlette.responses import Response

from chat_sessions.errors import (
    BadRequest,
    ChatSessionsError,
    DatabaseUnavailable,
    NotReady,
    ShuttingDown,
    Unauthorized,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
INVALID_REQUEST = "invalid-request"
# Logged once when they change, not with every request.
LOGGED_ELSEWHERE = (DatabaseUnavailable, NotReady, ShuttingDown)


class ProblemResponse(Response):
    """A problem document. Non-ASCII is escaped, so that even lone surrogates can be sent."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        content = problem(status, detail, kind) | extra
        super().__init__(json.dumps(content, separators=(",", ":")), status, headers)


def problem(status: HTTPStatus, detail: str, kind: str | None) -> dict[str, Any]:
    """Return a problem document."""
    return {
        "type": f"urn:chat-sessions:{kind}" if kind else "about:blank",
        "title": kind.replace("-", " ").capitalize() if kind else status.phrase,
        "status": status.value,
        "detail": detail,
    }


def internal_error() -> ProblemResponse:
    """Return the response to an unexpected exception, which only the log describes."""
    return ProblemResponse(HTTPStatus.INTERNAL_SERVER_ERROR, ChatSessionsError.detail)


def problem_response(error: ChatSessionsError) -> ProblemResponse:
    """Return the response for an error of the service."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, LOGGED_ELSEWHERE):
        log.warning("request.unavailable", error=error.__cause__ or error)
    if isinstance(error, Unauthorized):
        log.info("request.unauthorized", reason=error.reason or "no bearer token was sent")
    extra: dict[str, Any] = {}
    if isinstance(error, BadRequest):
        extra["errors"] = [{"loc": list(error.location), "msg": str(error), "type": "bad_request"}]
    return ProblemResponse(error.status, str(error), kind=kind_of(type(error)), headers=headers_of(error), **extra)


def headers_of(error: ChatSessionsError | type[ChatSessionsError]) -> dict[str, str]:
    """Return the headers that belong to an error."""
    if error.retry_after is not None:
        return {"Retry-After": str(error.retry_after)}
    if error.status == Unauthorized.status:
        return {"WWW-Authenticate": error.challenge if isinstance(error, Unauthorized) else "Bearer"}
    return {}


def kind_of(error: type[ChatSessionsError]) -> str:
    """Return the last part of an error's problem type."""
    return INVALID_REQUEST if error is BadRequest else re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()
