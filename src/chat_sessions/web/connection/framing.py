"""Rejects ambiguous request heads that the parser accepts, to prevent request smuggling.

When a proxy and a server disagree about where a request ends, one client's bytes become another client's request.
Anything that a proxy might parse differently is rejected, and the connection is closed.
"""

import re
from collections.abc import Iterable

Header = tuple[bytes, bytes]

VERSIONS = {"1.0", "1.1"}
# RFC 3986's `host [":" port]`; the host may be empty.
_NAME = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_LITERAL = rb"\[[A-Za-z0-9._~!$&'()*+,;=:%-]+\]"
_HOST = re.compile(rb"(?:%s|%s)(?::[0-9]*)?" % (_LITERAL, _NAME))


def find_error(method: bytes, version: str, headers: Iterable[Header]) -> str | None:
    """Return what is wrong with a request head, or None if it is unambiguous."""
    if version not in VERSIONS:
        return "Unsupported HTTP version. Use HTTP/1.1."
    if method == b"CONNECT":
        return "CONNECT is not supported."
    hosts, codings = [], []
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value.strip().lower())
    if not _has_valid_host(version, hosts):
        return "Send exactly one valid Host header."
    if codings and (version == "1.0" or codings != [b"chunked"]):
        # RFC 9112, 6.1: HTTP/1.0 has no transfer codings, so a proxy may have ignored them.
        return "Unsupported Transfer-Encoding. Use `chunked`, with HTTP/1.1."
    return None


def _has_valid_host(version: str, hosts: list[bytes]) -> bool:
    """RFC 9112, 3.2: HTTP/1.1 requires exactly one Host; in HTTP/1.0 it is optional."""
    if len(hosts) != 1:
        return version == "1.0" and not hosts
    return _HOST.fullmatch(hosts[0].strip()) is not None


def expects_continue(headers: Iterable[Header]) -> bool:
    """Return whether the client waits for 100 Continue before it sends the body (RFC 9110, 10.1.1)."""
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)


def without_upgrade(method: bytes, target: bytes, version: str, headers: Iterable[Header]) -> bytes:
    """Return the request head without Upgrade, which a server may ignore (RFC 9110, 7.8)."""
    lines = (b"%s: %s\r\n" % header for header in headers if header[0] != b"upgrade")
    return b"".join([b"%s %s HTTP/%s\r\n" % (method, target, version.encode()), *lines, b"\r\n"])
