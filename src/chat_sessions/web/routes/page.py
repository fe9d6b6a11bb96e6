"""The sidebar at `/`, its configuration, and the security headers of every response."""

from pathlib import Path
from typing import Literal

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_sessions.web.frontend import Frontend

SignIn = Literal["dev", "host"]

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


def install(app: FastAPI, directory: Path | None, sign_in: SignIn) -> None:
    """Serve the page from a directory, if given; the app's other routes take precedence."""

    @app.get("/config.json", include_in_schema=False)
    async def config() -> dict[str, str]:
        return {"sign_in": sign_in}

    if directory is not None:
        app.router.default = Frontend(directory)
    app.add_middleware(SecurityHeaders)


class SecurityHeaders:
    """Adds browser security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and add the headers that the response does not set itself."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                present = {name for name, _ in headers}
                message["headers"] = [*headers, *(each for each in _RAW_HEADERS if each[0] not in present)]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
