"""Responses to HTTP/1.0, which has no chunks: without a Content-Length, the response ends with the connection."""

from asyncio import Transport
from socket import SO_LINGER, SOL_SOCKET, socket
from struct import pack

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


def unchunked(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """Wrap the app for an HTTP/1.0 request, after which uvicorn closes the connection."""

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
                # uvicorn sends no more than it expects.
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
    """Reset the connection: an orderly close would look like the end of the response."""
    sock: socket = transport.get_extra_info("socket")
    sock.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    transport.abort()
