"""Downloads a document over HTTP with a total timeout, a size limit and no redirects.

Uses the standard library, which supports proxies and certificate stores: one request does not justify a client library.
Prisma installs httpx, but that has had no release since 2024.
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

from chat_sessions.errors import size_in_words
from chat_sessions.version import VERSION


class DownloadError(Exception):
    """The download failed; the message never contains the URL, which may hold a password."""


async def download(url: str, *, timeout: float, max_bytes: int) -> bytes:  # noqa: ASYNC109  also the socket's
    """Return the body at a URL, or raise DownloadError."""
    try:
        async with asyncio.timeout(timeout):
            return await asyncio.to_thread(_get, url, timeout, max_bytes)
    except TimeoutError:
        raise DownloadError(f"no complete response within {timeout:g} s") from None
    except URLError as error:
        raise DownloadError(str(error.reason)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise DownloadError(type(error).__name__) from error


def _get(url: str, timeout: float, max_bytes: int) -> bytes:
    opener = OpenerDirector()
    for handler in (ProxyHandler(), _HTTPHandler(), _HTTPSHandler()):
        opener.add_handler(handler)
    with opener.open(_request(url), timeout=timeout) as response:
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            raise DownloadError(f"HTTP status {response.status}: redirects are not followed, use the final URL")
        if response.status != HTTPStatus.OK:
            raise DownloadError(f"HTTP status {response.status}")
        body: bytes = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise DownloadError(f"the response exceeds {size_in_words(max_bytes)}")
    return body


def _request(url: str) -> Request:
    parts = urlsplit(url)
    credentials, _, host = parts.netloc.rpartition("@")
    headers = {"Accept": "application/json", "User-Agent": f"chat-sessions/{VERSION}"}
    if credentials:
        headers["Authorization"] = f"Basic {b64encode(unquote(credentials).encode()).decode()}"
    return Request(parts._replace(netloc=host).geturl(), headers=headers)  # noqa: S310  settings only allow http(s)


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a deadline: the socket's own timeout restarts with every byte."""

    def __init__(self, raw: io.RawIOBase, connection: socket) -> None:
        self._raw = raw
        self._connection = connection
        self._deadline = monotonic() + (connection.gettimeout() or 0)

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer) -> int | None:
        remaining = self._deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._connection.settimeout(remaining)
        return self._raw.readinto(buffer)

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock))


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
