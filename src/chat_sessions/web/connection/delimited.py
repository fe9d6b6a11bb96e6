"""Responses to HTTP/1.0, which has no chunks: without a Content-Length, the end of the connection ends the response."""

from asyncio import Transport
from socket import SO_LINGER, SOL_SOCKET, socket
from struct import pack

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


def ended_by_close(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """Return the app for a request of HTTP/1.0; uvicorn closes the connection after it."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        started = has_length = False

        async def send_unchunked(message: Message) -> None:
            nonlocal started, has_length
            started = True
            if message["type"] == "http.response.start":
                has_length = any(name.lower() == b"content-length" for name, _ in message["headers"])
                # Otherwise uvicorn would add Transfer-Encoding.
                cycle.chunked_encoding = None if has_length else False
            elif not has_length:
                # It sends no more than it expects.
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, send_unchunked)
        except Exception:
            if started and not has_length:
                _reset(cycle.transport)
            raise

    return serve


def _reset(transport: Transport) -> None:
    """End the connection with an error: a close would look like the end of the response."""
    sock: socket = transport.get_extra_info("socket")
    sock.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    transport.abort()
