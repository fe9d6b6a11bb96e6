"""Every error as `application/problem+json` (RFC 9457)."""

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from chat_sessions.contract.schemas import Problem, ValidationProblem
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
UNPROCESSABLE = HTTPStatus(422)
GENERIC_DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this path; see /docs for what there is.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path has no such method; the Allow header names those it has.",
}
UNREADABLE_BODY = {"loc": ["body"], "msg": "must be one JSON document in UTF-8", "type": "json_invalid"}
DESCRIBED_HEADERS = {
    "Retry-After": ("Seconds to wait before the next attempt.", "integer"),
    "WWW-Authenticate": ('`Bearer`, with `error="invalid_token"` if a token was sent (RFC 6750).', "string"),
}
# What names the wrong part of a request is the client's own text: enough of it to find the part, and no more.
MAX_ERRORS = 20
# States, which are logged when they change and not with every request.
LOGGED_ELSEWHERE = (DatabaseUnavailable, NotReady, ShuttingDown)
MAX_LOCATIONS = 10
MAX_LOCATION_CHARACTERS = 64


class ProblemResponse(Response):
    """A problem on the wire; what is not ASCII is escaped, so that every string can be sent."""

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
        content = {
            "type": f"urn:chat-sessions:{kind}" if kind else "about:blank",
            "title": kind.replace("-", " ").capitalize() if kind else status.phrase,
            "status": status.value,
            "detail": detail,
            **extra,
        }
        super().__init__(json.dumps(content, separators=(",", ":")), status, headers)


def internal_error() -> ProblemResponse:
    """Return the answer to a request that hit a bug: it says nothing about it."""
    return ProblemResponse(HTTPStatus.INTERNAL_SERVER_ERROR, ChatSessionsError.detail)


def install(app: FastAPI) -> None:
    """Make every error of the app answer as a problem."""
    app.exception_handler(ChatSessionsError)(_own_error)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(RequestValidationError)(_invalid_request)


def documented(*errors: type[ChatSessionsError]) -> dict[int | str, dict[str, Any]]:
    """Return what a route declares, so that generated clients know its errors; all of them can answer 422 and 503."""
    responses: dict[int | str, dict[str, Any]] = {
        UNPROCESSABLE.value: {"model": ValidationProblem, "description": "The request does not fit the contract."}
    }
    for error in errors:
        described = responses.setdefault(error.status.value, {"model": Problem, "description": error.detail})
        if error.detail not in described["description"]:
            described["description"] += f" Or: {error.detail}"
    for status, described in responses.items():
        headers = [_headers(error) for error in errors if error.status == status]
        names = {name for each in headers for name in each}
        if names:
            described["headers"] = {
                name: _described_header(name, required=all(name in each for each in headers)) for name in sorted(names)
            }
    return dict(sorted(responses.items(), key=lambda item: int(item[0])))


def _described_header(name: str, *, required: bool) -> dict[str, Any]:
    description, kind = DESCRIBED_HEADERS[name]
    return {"description": description, "required": required, "schema": {"type": kind}}


async def _own_error(_request: Request, error: ChatSessionsError) -> Response:
    return own(error)


def own(error: ChatSessionsError) -> ProblemResponse:
    """Return the answer to an error of ours."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, LOGGED_ELSEWHERE):
        log.warning("request.unavailable", error=error.__cause__ or error)
    if isinstance(error, Unauthorized):
        log.info("request.unauthorized", reason=error.reason or "no bearer token was sent")
    extra: dict[str, Any] = {}
    if isinstance(error, BadRequest):
        extra["errors"] = [{"loc": list(error.location), "msg": str(error), "type": "bad_request"}]
    return ProblemResponse(error.status, str(error), kind=_kind(type(error)), headers=_headers(error), **extra)


def _headers(error: ChatSessionsError | type[ChatSessionsError]) -> dict[str, str]:
    if error.retry_after is not None:
        return {"Retry-After": str(error.retry_after)}
    if error.status == Unauthorized.status:
        return {"WWW-Authenticate": error.challenge if isinstance(error, Unauthorized) else "Bearer"}
    return {}


async def _http_error(request: Request, error: HTTPException) -> Response:
    if isinstance(error.__cause__, ChatSessionsError):
        # Ours, in the only shape that FastAPI lets through while it reads a body.
        return own(error.__cause__)
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.BAD_REQUEST:
        # FastAPI's word for a body that is no text, too deep or has numbers without end.
        return _invalid([UNREADABLE_BODY])
    headers = _allowed(request, error) if status == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return ProblemResponse(status, GENERIC_DETAILS.get(status, str(error.detail)), headers=headers)


def _allowed(request: Request, error: HTTPException) -> Mapping[str, str]:
    """Name all methods of the path: Starlette names those of its first route only, and for a file none."""
    route = getattr(request.scope.get("route"), "path", "")
    described = request.app.openapi()["paths"].get(route)
    if described is None:
        return error.headers or {"Allow": "GET, HEAD"}
    return {"Allow": ", ".join(method.upper() for method in described)}


async def _invalid_request(_request: Request, error: RequestValidationError) -> Response:
    # Without the input: it may be large, secret, or no valid text.
    return _invalid(
        [
            {"loc": _shortened(each["loc"]), "msg": each["msg"], "type": each["type"]}
            for each in error.errors()[:MAX_ERRORS]
        ]
    )


def _invalid(errors: list[dict[str, Any]]) -> ProblemResponse:
    detail = "The request does not fit the contract; `errors` says where."
    return ProblemResponse(UNPROCESSABLE, detail, kind="invalid-request", errors=errors)


def _shortened(location: Sequence[str | int]) -> list[str | int]:
    return [part if isinstance(part, int) else part[:MAX_LOCATION_CHARACTERS] for part in location[:MAX_LOCATIONS]]


def _kind(error: type[ChatSessionsError]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()
