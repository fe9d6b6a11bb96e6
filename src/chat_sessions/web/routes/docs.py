"""The API reference at `/docs`: Swagger UI from an installed package, without a CDN or inline scripts."""

from functools import cache
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from chat_sessions.contract import etags
from chat_sessions.contract.representation import Representation
from chat_sessions.web.dependencies import IfNoneMatch

router = APIRouter(include_in_schema=False)

_OWN_FILES = files("chat_sessions.web").joinpath("swagger")
_SWAGGER_FILES = files("fastapi_swagger.resources")

PAGE = "index.html"
# An allow-list: no path from a request reaches the disk.
FILES: dict[str, tuple[Traversable, str]] = {
    PAGE: (_OWN_FILES, "text/html"),
    "init.js": (_OWN_FILES, "text/javascript"),
    "swagger-ui-bundle.js": (_SWAGGER_FILES, "text/javascript"),
    "swagger-ui.css": (_SWAGGER_FILES, "text/css"),
    "favicon-32x32.png": (_SWAGGER_FILES, "image/png"),
}


@router.get("/docs")
async def page(if_none_match: IfNoneMatch = None) -> Response:
    """Return the page."""
    return _respond(PAGE, if_none_match)


@router.get("/docs/{name}")
async def asset(name: str, if_none_match: IfNoneMatch = None) -> Response:
    """Return a file that the page loads."""
    if name == PAGE or name not in FILES:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return _respond(name, if_none_match)


def _respond(name: str, if_none_match: str | None) -> Response:
    etag, body = _read(name)
    headers = {"ETag": etag, "Cache-Control": "public, no-cache"}
    if if_none_match is not None and etags.matches(if_none_match, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=FILES[name][1], headers=headers)


@cache
def _read(name: str) -> Representation:
    body = FILES[name][0].joinpath(name).read_bytes()
    return Representation(etags.of_body(body), body)
