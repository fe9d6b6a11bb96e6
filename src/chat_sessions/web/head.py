"""HEAD works wherever GET does: the same status and headers, without the body (RFC 9110, 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Serves HEAD as GET, and ends the response after its headers, even that of an endless stream."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; the layers outside this one still see its own method."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The method tells the server that no body follows.
                scope["method"] = "HEAD"
                await send(message)
                # From here on the server reports a disconnect, which also ends a stream.
                await send({"type": "http.response.body"})

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, send_headers)
        finally:
            scope["method"] = "HEAD"
