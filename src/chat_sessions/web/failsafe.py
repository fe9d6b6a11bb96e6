"""The response to an unexpected exception."""

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_sessions.telemetry.labels import method_of, route_of
from chat_sessions.web.problem_responses import internal_error

log = structlog.get_logger("chat_sessions.requests")


class Failsafe:
    """Logs exceptions and responds with 500; inside the CORS middleware, or pages could not read the response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("request.failed", method=method_of(scope), route=route_of(scope))
            if started:
                # The server can only cut the connection.
                raise
            await internal_error()(scope, receive, send)
