"""The path prefix that a proxy strips from requests: links of responses need it again."""

import re
from collections.abc import Sequence
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from chat_sessions.settings.values import PREFIX, Network

_PREFIX = re.compile(PREFIX)


class Prefix:
    """Sets ASGI's `root_path`, from the setting or from the X-Forwarded-Prefix of a trusted proxy.

    The innermost layer: the others compare paths as they arrive.
    """

    def __init__(self, app: ASGIApp, root_path: str, trusted_proxies: Sequence[Network]) -> None:
        self._app = app
        self._root_path = root_path
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "http" and (prefix := self._forwarded(scope) or self._root_path):
            # ASGI's path includes the prefix.
            scope["root_path"], scope["path"] = prefix, prefix + scope["path"]
        await self._app(scope, receive, send)

    def _forwarded(self, scope: Scope) -> str | None:
        if not self._trusted_proxies or not self._is_trusted(scope.get("client")):
            return None
        prefix = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
        return prefix if _PREFIX.fullmatch(prefix) else None

    def _is_trusted(self, client: tuple[str, int] | None) -> bool:
        if client is None:
            return False
        try:
            address = ip_address(client[0])
        except ValueError:
            return False
        return any(address in network for network in self._trusted_proxies)
