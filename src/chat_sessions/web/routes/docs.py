"""The API reference at `/docs`: Swagger UI from an installed package, without a CDN or inline scripts."""

from functools import cache
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from chat_sessions.web.frontend import REVALIDATE
from chat_sessions.web.static_files import StaticFile

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
async def page(request: Request) -> Response:
    """Return the page."""
    return _read(PAGE).response(request.headers, REVALIDATE)


@router.get("/docs/{name}")
async def asset(request: Request, name: str) -> Response:
    """Return a file that the page loads."""
    if name == PAGE or name not in FILES:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return _read(name).response(request.headers, REVALIDATE)


@cache
def _read(name: str) -> StaticFile:
    folder, media_type = FILES[name]
    return StaticFile.of(folder.joinpath(name).read_bytes(), media_type)
