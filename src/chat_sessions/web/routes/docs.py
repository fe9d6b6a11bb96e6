"""The API reference at `/docs`: Swagger UI from an installed package, without a CDN and without inline scripts."""

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

_OURS = files("chat_sessions.web").joinpath("swagger")
_THEIRS = files("fastapi_swagger.resources")

PAGE = "index.html"
# Nothing else is served: no path of a client reaches the disk.
FILES: dict[str, tuple[Traversable, str]] = {
    PAGE: (_OURS, "text/html"),
    "init.js": (_OURS, "text/javascript"),
    "swagger-ui-bundle.js": (_THEIRS, "text/javascript"),
    "swagger-ui.css": (_THEIRS, "text/css"),
    "favicon-32x32.png": (_THEIRS, "image/png"),
}


@router.get("/docs")
async def reference(if_none_match: IfNoneMatch = None) -> Response:
    """Return the page."""
    return _answer(PAGE, if_none_match)


@router.get("/docs/{name}")
async def reference_asset(name: str, if_none_match: IfNoneMatch = None) -> Response:
    """Return what the page loads."""
    if name == PAGE or name not in FILES:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return _answer(name, if_none_match)


def _answer(name: str, if_none_match: str | None) -> Response:
    etag, body = _read(name)
    headers = {"ETag": etag, "Cache-Control": "public, no-cache"}
    if if_none_match is not None and etags.matches(if_none_match, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=FILES[name][1], headers=headers)


@cache
def _read(name: str) -> Representation:
    body = FILES[name][0].joinpath(name).read_bytes()
    return Representation(etags.of_body(body), body)
