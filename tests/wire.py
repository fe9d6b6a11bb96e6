"""Byte patterns by which a test recognises commands on the wire."""

from hashlib import sha1
from importlib.resources import files

from pydantic import SecretStr

from chat_sessions.dev.embedded import Server
from tests.proxy import Proxy

DELETE_STATEMENT = b'DELETE FROM "public"."ChatSession"'


def script(name: str) -> bytes:
    """Return the bytes that every call of a Lua script contains."""
    return sha1(files("chat_sessions.cache.redis").joinpath("lua", f"{name}.lua").read_bytes()).hexdigest().encode()  # noqa: S324


def url_through(proxy: Proxy, server: Server, url: SecretStr) -> SecretStr:
    """Return the server's URL with the proxy in between."""
    return SecretStr(url.get_secret_value().replace(f":{server.port}/", f":{proxy.port}/"))
