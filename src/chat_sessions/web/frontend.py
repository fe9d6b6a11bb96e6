"""The files of the built sidebar; its page is the response to every address that a browser opens."""

import asyncio
import mimetypes
import re
from functools import lru_cache
from http import HTTPStatus
from os import stat_result
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from chat_sessions.web.static_files import DOCUMENT_HEADERS, StaticFile

PAGE = "index.html"
API = "api/"
# Resolves the page's relative URLs at every depth of its addresses.
BASE = b'<base href="/"'
# Vite's names contain a hash of the content.
_HASHED = re.compile(r"assets/.+-[\w-]{8}\.\w+")
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "public, no-cache"
MAX_BYTES_IN_MEMORY = 4 * 1024 * 1024
MAX_FILES_IN_MEMORY = 64


class _Found(NamedTuple):
    name: str
    path: str
    stat: stat_result


class Frontend:
    """An ASGI app for requests that no route matches."""

    def __init__(self, directory: Path) -> None:
        self._files = StaticFiles(directory=directory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with a file, or raise HTTPException."""
        request = Request(scope)
        prefix = scope.get("root_path", "")
        name = scope["path"].removeprefix(prefix).removeprefix("/") or PAGE
        found = await asyncio.to_thread(self._find, name)
        if found is None and _opens_a_page(request, name):
            found = await asyncio.to_thread(self._find, PAGE)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if request.method not in {"GET", "HEAD"}:
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)
        response = await asyncio.to_thread(_response, found, request, prefix)
        await response(scope, receive, send)

    def _find(self, name: str) -> _Found | None:
        if _is_hidden(name):
            return None
        try:
            path, stat = self._files.lookup_path(name)
        except (OSError, ValueError):
            # Too long for a file system, or not valid text.
            return None
        return _Found(name, path, stat) if stat is not None and S_ISREG(stat.st_mode) else None


def _opens_a_page(request: Request, name: str) -> bool:
    is_navigation = request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "")
    return is_navigation and not f"{name}/".startswith(API) and not _is_hidden(name)


def _is_hidden(name: str) -> bool:
    """Return whether a file such as .env or .git/config must not be served."""
    return any(part.startswith(".") for part in name.split("/"))


def _response(found: _Found, request: Request, prefix: str) -> Response:
    lifetime = IMMUTABLE if _HASHED.fullmatch(found.name) else REVALIDATE
    if found.stat.st_size > MAX_BYTES_IN_MEMORY:
        headers = DOCUMENT_HEADERS | {"Cache-Control": lifetime}
        return FileResponse(found.path, stat_result=found.stat, headers=headers)
    file = _load(found.path, found.stat.st_mtime_ns, prefix if found.name == PAGE else "")
    return file.response(request.headers, lifetime)


@lru_cache(MAX_FILES_IN_MEMORY)
def _load(path: str, _modified_at: int, prefix: str) -> StaticFile:
    body = Path(path).read_bytes()
    if prefix:
        body = body.replace(BASE, b'<base href="%b/"' % prefix.encode(), 1)
    return StaticFile.of(body, mimetypes.guess_type(path)[0] or "application/octet-stream")
