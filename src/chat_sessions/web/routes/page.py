"""The sidebar at `/`, its configuration, and the security headers of every response."""

from pathlib import Path
from typing import Literal

from fastapi import FastAPI

from chat_sessions.web.frontend import Frontend

SignIn = Literal["dev", "host"]

_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}
SECURITY_HEADERS = [(name.lower().encode(), value.encode()) for name, value in _SECURITY_HEADERS.items()]


def install(app: FastAPI, directory: Path | None, sign_in: SignIn) -> None:
    """Serve the page from a directory, if given; the app's other routes take precedence."""

    @app.get("/config.json", include_in_schema=False)
    async def config() -> dict[str, str]:
        return {"sign_in": sign_in}

    if directory is not None:
        app.router.default = Frontend(directory)
