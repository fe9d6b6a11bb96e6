"""Errors as `application/problem+json` (RFC 9457)."""

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from chat_sessions.contract.mistakes import Mistake, Path, mistakes, place
from chat_sessions.contract.schemas import Problem, ValidationProblem
from chat_sessions.errors import (
    BadRequest,
    BodyTooLarge,
    ChatSessionsError,
    DatabaseUnavailable,
    NotReady,
    ShuttingDown,
    Unauthorized,
    UnsupportedMediaType,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
UNPROCESSABLE = HTTPStatus(422)
GENERIC_DETAILS = {
    HTTPStatus.NOT_FOUND: "Not found. See /docs for the API.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Method not allowed. See the Allow header.",
}
# FastAPI's status 400 is for a body that is not UTF-8, nested too deeply or has numbers that are too long.
UNREADABLE = Mistake(("body",), "must be one JSON document in UTF-8", "json_invalid")
HEADER_DOCS = {
    "Retry-After": ("Seconds to wait before a retry.", "integer"),
    "WWW-Authenticate": ('`Bearer`, with `error="invalid_token"` if a token was sent (RFC 6750).', "string"),
}
# Logged once when they change, not with every request.
LOGGED_ELSEWHERE = (DatabaseUnavailable, NotReady, ShuttingDown)
# Locations contain text of the client, so they are truncated.
MAX_ERRORS = 20
MAX_LOCATIONS = 10
MAX_LOCATION_CHARACTERS = 64


INVALID_REQUEST = "invalid-request"


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
        content = _problem(status, detail, kind) | extra
        super().__init__(json.dumps(content, separators=(",", ":")), status, headers)


def _problem(status: HTTPStatus, detail: str, kind: str | None) -> dict[str, Any]:
    return {
        "type": f"urn:chat-sessions:{kind}" if kind else "about:blank",
        "title": kind.replace("-", " ").capitalize() if kind else status.phrase,
        "status": status.value,
        "detail": detail,
    }


_INVALID_TITLE = {
    "loc": ["body", "title"],
    "msg": "String should have at least 1 character",
    "type": "string_too_short",
}
INVALID_EXAMPLE = _problem(UNPROCESSABLE, BadRequest.detail, INVALID_REQUEST) | {"errors": [_INVALID_TITLE]}


def internal_error() -> ProblemResponse:
    """Return the response to an unexpected exception, which only the log describes."""
    return ProblemResponse(HTTPStatus.INTERNAL_SERVER_ERROR, ChatSessionsError.detail)


def install(app: FastAPI) -> None:
    """Handle every error of the app."""
    app.exception_handler(ChatSessionsError)(_service_error)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(RequestValidationError)(_invalid_request)


def documented(*errors: type[ChatSessionsError]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of a route for these errors.

    Every route can also return 422, and a route with a body 415.
    """
    if BodyTooLarge in errors:
        errors = (*errors, UnsupportedMediaType)
    responses: dict[int | str, dict[str, Any]] = {
        UNPROCESSABLE.value: {
            "model": ValidationProblem,
            "description": BadRequest.detail,
            "content": {MEDIA_TYPE: {"examples": {"InvalidRequest": {"value": INVALID_EXAMPLE}}}},
        }
    }
    for error in errors:
        if error is BadRequest:
            continue
        response = responses.setdefault(error.status.value, {"model": Problem, "description": error.detail})
        if error.detail not in response["description"]:
            response["description"] += f" Or: {error.detail}"
        content = response.setdefault("content", {MEDIA_TYPE: {"examples": {}}})
        content[MEDIA_TYPE]["examples"][error.__name__] = {"value": _problem(error.status, error.detail, _kind(error))}
    for status, response in responses.items():
        headers = [_headers(error) for error in errors if error.status == status]
        names = {name for each in headers for name in each}
        if names:
            response["headers"] = {
                name: _header_doc(name, required=all(name in each for each in headers)) for name in sorted(names)
            }
    return dict(sorted(responses.items(), key=lambda item: int(item[0])))


def _header_doc(name: str, *, required: bool) -> dict[str, Any]:
    description, kind = HEADER_DOCS[name]
    return {"description": description, "required": required, "schema": {"type": kind}}


async def _service_error(_request: Request, error: ChatSessionsError) -> Response:
    return problem_response(error)


def problem_response(error: ChatSessionsError) -> ProblemResponse:
    """Return the response for an error of the service."""
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
        # Wrapped, because FastAPI re-raises only HTTPExceptions while it reads a body.
        return problem_response(error.__cause__)
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.BAD_REQUEST:
        return _invalid([UNREADABLE])
    headers = _allowed(request, error) if status == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return ProblemResponse(status, GENERIC_DETAILS.get(status, str(error.detail)), headers=headers)


def _allowed(request: Request, error: HTTPException) -> Mapping[str, str]:
    """Return Allow with all methods of the path: Starlette lists those of one route, and none for static files."""
    route = getattr(request.scope.get("route"), "path_format", "")
    operations = request.app.openapi()["paths"].get(route)
    if operations is None:
        methods = (error.headers or {}).get("Allow", "GET").split(", ")
    else:
        methods = [method.upper() for method in operations]
    return {"Allow": ", ".join(dict.fromkeys([*methods, "HEAD"] if "GET" in methods else methods))}


async def _invalid_request(request: Request, error: RequestValidationError) -> Response:
    given = {
        "body": error.body,
        "query": request.query_params,
        "header": request.headers,
        "path": request.path_params,
    }
    errors = [_readable(each) for each in error.errors()[:MAX_ERRORS]]
    return _invalid(mistakes(errors, given))


def _readable(error: dict[str, Any]) -> ErrorDetails:
    if error["type"] != "json_invalid":
        return cast("ErrorDetails", error)
    # FastAPI's location of invalid JSON ends with a position in the text, which is no path.
    (body, position), reason = error["loc"], error["ctx"]["error"]
    return cast("ErrorDetails", {**error, "loc": (body,), "ctx": {"error": f"{reason} at character {position + 1:,}"}})


def _invalid(found: Sequence[Mistake]) -> ProblemResponse:
    """Return a response without the input, which may be large, secret or not encodable."""
    first = found[0]._replace(path=_truncate(found[0].path))
    more = f" See `errors` for {len(found) - 1} more." if len(found) > 1 else ""
    errors = [{"loc": list(_truncate(each.path)), "msg": each.message, "type": each.kind} for each in found]
    return ProblemResponse(UNPROCESSABLE, f"{_sentence(first)}{more}", kind=INVALID_REQUEST, errors=errors)


def _sentence(mistake: Mistake) -> str:
    # A path without the part of the request, unless the mistake is about all of it.
    path = mistake.path[1:] or mistake.path
    return f"{place(path)}: {mistake.message}."


def _truncate(path: Path) -> Path:
    return tuple(part if isinstance(part, int) else part[:MAX_LOCATION_CHARACTERS] for part in path[:MAX_LOCATIONS])


def _kind(error: type[ChatSessionsError]) -> str:
    return INVALID_REQUEST if error is BadRequest else re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()
