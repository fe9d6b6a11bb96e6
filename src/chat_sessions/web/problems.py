"""Errors as `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from chat_sessions.contract.mistakes import Mistake, Path, mistakes, path_text
from chat_sessions.contract.schemas import Problem, ValidationProblem
from chat_sessions.errors import BadRequest, BodyTooLarge, ChatSessionsError, UnsupportedMediaType
from chat_sessions.web.problem_responses import (
    INVALID_REQUEST,
    MEDIA_TYPE,
    ProblemResponse,
    headers_of,
    kind_of,
    problem,
    problem_response,
)

UNPROCESSABLE = HTTPStatus(422)
GENERIC_DETAILS = {
    HTTPStatus.NOT_FOUND: "Not found. See /docs for the API.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Method not allowed. See the Allow header.",
}
# FastAPI's status 400 is for a body that is not UTF-8, is nested too deeply, or has numbers that are too long.
UNREADABLE = Mistake(("body",), "must be one JSON document in UTF-8", "json_invalid")
HEADER_DOCS = {
    "Retry-After": ("Seconds to wait before a retry.", "integer"),
    "WWW-Authenticate": ('`Bearer`, with `error="invalid_token"` if a token was sent (RFC 6750).', "string"),
}
# Locations contain text of the client, so they are truncated.
MAX_ERRORS = 20
MAX_LOCATIONS = 10
MAX_LOCATION_CHARACTERS = 64

_INVALID_TITLE = {
    "loc": ["body", "title"],
    "msg": "must have at most 200 characters",
    "type": "string_too_long",
}
INVALID_EXAMPLE = problem(UNPROCESSABLE, BadRequest.detail, INVALID_REQUEST) | {"errors": [_INVALID_TITLE]}


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
        content[MEDIA_TYPE]["examples"][error.__name__] = {"value": problem(error.status, error.detail, kind_of(error))}
    for status, response in responses.items():
        headers = [headers_of(error) for error in errors if error.status == status]
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
    # FastAPI's location of invalid JSON ends with a position in the text, which is not a path.
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
    return f"{path_text(path)}: {mistake.message}."


def _truncate(path: Path) -> Path:
    return tuple(part if isinstance(part, int) else part[:MAX_LOCATION_CHARACTERS] for part in path[:MAX_LOCATIONS])
