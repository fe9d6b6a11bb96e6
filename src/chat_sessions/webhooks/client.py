"""Posts messages to receivers, which are not trusted: their response times, bodies and addresses are limited."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from typing_extensions import override

from chat_sessions.webhooks.message import WebhookMessage

# Standard Webhooks recommends 15 to 30 s.
TIMEOUT_SECONDS: Final = 15.0
# Reading all of a short response allows reusing the connection; the rest of a longer one is not read.
MAX_RESPONSE_BYTES: Final = 64 * 1024
NOT_PUBLIC: Final = "has no public address, and CHAT_WEBHOOK_PRIVATE is not set"


class NotDelivered(Exception):
    """The receiver did not accept a message; the text says why."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class _PublicResolver(AbstractResolver):
    """Resolves names to public addresses only. The client connects to the addresses that were checked."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        public = [each for each in found if is_public(each["host"])]
        if not public:
            raise OSError(None, f"{host} {NOT_PUBLIC}")
        return public

    @override
    async def close(self) -> None:
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Return whether an address is reachable from everywhere, and so not in a network of ours."""
    parsed = ip_address(address.partition("%")[0])
    return parsed.is_global and not parsed.is_multicast


class WebhookClient:
    """A client for all receivers."""

    def __init__(self, session: ClientSession, *, private: bool) -> None:
        self._session = session
        self._private = private

    async def post(self, url: str, message: WebhookMessage) -> None:
        """Deliver a message, or raise NotDelivered."""
        status, retry_after = await self._request("POST", url, message)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            seconds = float(retry_after) if retry_after.isdecimal() else None
            raise NotDelivered(f"HTTP status {status}", retry_after=seconds)

    async def probe(self, url: str) -> int:
        """Return the status of any response, or raise NotDelivered."""
        status, _ = await self._request("HEAD", url, WebhookMessage(b"", {}))
        return status

    async def _request(self, method: str, url: str, message: WebhookMessage) -> tuple[int, str]:
        """Return the status and Retry-After of a response, or raise NotDelivered if there is none."""
        self._check_literal(urlsplit(url).hostname or "")
        try:
            async with self._session.request(
                method, url, data=message.body or None, headers=message.headers, allow_redirects=False
            ) as response:
                await response.content.read(MAX_RESPONSE_BYTES)
                return response.status, response.headers.get("Retry-After", "")
        except TimeoutError:
            raise NotDelivered(f"no complete response within {TIMEOUT_SECONDS:g} s") from None
        except ClientConnectorError as error:
            raise NotDelivered(f"cannot connect: {error.strerror or error}") from error
        except (ClientError, OSError, ValueError) as error:
            raise NotDelivered(f"{type(error).__name__}: {error}") from error

    def _check_literal(self, host: str) -> None:
        """Raise NotDelivered for a private address, which aiohttp does not give to the resolver."""
        with suppress(ValueError):
            if not (self._private or is_public(host)):
                raise NotDelivered(f"{host} {NOT_PUBLIC}")


@asynccontextmanager
async def webhook_client(*, private: bool) -> AsyncIterator[WebhookClient]:
    """Open a client; with `private`, receivers may have any address."""
    connector = TCPConnector(resolver=None if private else _PublicResolver(), limit_per_host=20)
    timeout = ClientTimeout(total=TIMEOUT_SECONDS)
    async with ClientSession(
        connector=connector, timeout=timeout, cookie_jar=DummyCookieJar(), auto_decompress=False, trust_env=True
    ) as session:
        yield WebhookClient(session, private=private)
