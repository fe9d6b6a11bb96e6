"""The sidebar at `/`: static files under a strict policy, and what the page must know before its first call."""

from http import HTTPStatus
from pathlib import Path
from typing import Literal, Never

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SignIn = Literal["dev", "host"]

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


def install(app: FastAPI, directory: Path | None, sign_in: SignIn) -> None:
    """Serve the page from a directory, if there is one; every other path of the app goes first."""

    @app.get("/config.json", include_in_schema=False)
    async def config() -> dict[str, str]:
        return {"sign_in": sign_in}

    if directory is not None:
        # What starts with a dot (.env, .git) belongs to tools, and is there by accident.
        app.add_route("/.{path:path}", _nothing)
        app.add_route("/{folder:path}/.{path:path}", _nothing)
        app.frontend("/", directory=directory, fallback="index.html")
    app.add_middleware(SecurityHeaders)


async def _nothing(_request: Request) -> Never:
    raise HTTPException(HTTPStatus.NOT_FOUND)


class SecurityHeaders:
    """Sends the headers that keep a browser from doing more with an answer than it should."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to the answer to a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                given = {name for name, _ in headers}
                message["headers"] = [*headers, *(each for each in _RAW_HEADERS if each[0] not in given)]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
