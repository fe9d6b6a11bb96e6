"""One GET with every limit held: time, size, no redirects.

It uses the standard library, which knows proxies and certificate stores: a single request does not justify a client
library. Prisma installs httpx, but that has had no release since 2024.
"""

import asyncio
import io
from base64 import b64encode
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import socket
from ssl import create_default_context
from time import monotonic
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from typing_extensions import Buffer, override

from chat_sessions.version import VERSION


class DownloadError(Exception):
    """Why there is no document; the message never has the URL, which may hold a password."""


async def download(url: str, *, seconds: float, max_bytes: int) -> bytes:
    """Return what is at a URL, or raise DownloadError."""
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.to_thread(_get, url, seconds, max_bytes)
    except TimeoutError:
        raise DownloadError(f"no complete response within {seconds:g} s") from None
    except URLError as error:
        raise DownloadError(str(error.reason)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise DownloadError(type(error).__name__) from error


def _get(url: str, seconds: float, max_bytes: int) -> bytes:
    opener = OpenerDirector()
    for handler in (ProxyHandler(), _HTTPHandler(), _HTTPSHandler()):
        opener.add_handler(handler)
    with opener.open(_request(url), timeout=seconds) as response:
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            raise DownloadError(f"HTTP status {response.status}: redirects are not followed, name the final address")
        if response.status != HTTPStatus.OK:
            raise DownloadError(f"HTTP status {response.status}")
        body: bytes = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise DownloadError(f"the response is larger than {max_bytes} bytes")
    return body


def _request(url: str) -> Request:
    parts = urlsplit(url)
    credentials, _, host = parts.netloc.rpartition("@")
    headers = {"Accept": "application/json", "User-Agent": f"chat-sessions/{VERSION}"}
    if credentials:
        headers["Authorization"] = f"Basic {b64encode(unquote(credentials).encode()).decode()}"
    return Request(parts._replace(netloc=host).geturl(), headers=headers)  # noqa: S310  settings admit http(s) alone


class _Timed(io.RawIOBase):
    """What arrives until a deadline: a socket's own timeout begins anew with every byte."""

    def __init__(self, raw: io.RawIOBase, connection: socket) -> None:
        self._raw = raw
        self._connection = connection
        self._deadline = monotonic() + (connection.gettimeout() or 0)

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer) -> int | None:
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock))


class _HTTPConnection(HTTPConnection):
    response_class = _Response


class _HTTPSConnection(HTTPSConnection):
    response_class = _Response


class _HTTPHandler(HTTPHandler):
    @override
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_HTTPConnection, req)


class _HTTPSHandler(HTTPSHandler):
    @override
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_HTTPSConnection, req, context=create_default_context())
