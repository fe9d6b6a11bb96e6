"""Responses to HTTP/1.0, which has no chunks: without a Content-Length, the end of the connection ends the response."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


def ended_by_close(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """Return the app for a request of HTTP/1.0; uvicorn closes the connection after it."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        has_length = False

        async def send_unchunked(message: Message) -> None:
            nonlocal has_length
            if message["type"] == "http.response.start":
                has_length = any(name.lower() == b"content-length" for name, _ in message["headers"])
                # Otherwise uvicorn would add Transfer-Encoding.
                cycle.chunked_encoding = None if has_length else False
            elif not has_length:
                # It sends no more than it expects.
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_unchunked)

    return serve
