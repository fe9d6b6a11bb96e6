"""Which request heads are safe to act on, beyond what the parser itself refuses.

A proxy and a server that disagree about where a request ends let one client's bytes become another client's request.
So whatever a proxy might read differently is refused, and the connection closed.
"""

import re
from collections.abc import Iterable

Header = tuple[bytes, bytes]

VERSIONS = {"1.0", "1.1"}
# RFC 3986's `host [":" port]`; the host may be empty.
_NAME = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_LITERAL = rb"\[[A-Za-z0-9._~!$&'()*+,;=:%-]+\]"
_HOST = re.compile(rb"(?:%s|%s)(?::[0-9]*)?" % (_LITERAL, _NAME))


def fault(method: bytes, version: str, headers: Iterable[Header]) -> str | None:
    """Return what is wrong with a request head, or None if there is only one way to read it."""
    if version not in VERSIONS:
        return "The service speaks HTTP/1.1 and HTTP/1.0."
    if method == b"CONNECT":
        return "The service opens no tunnels."
    hosts, codings = [], []
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value.strip().lower())
    if not _names_its_host(version, hosts):
        return "Send one Host header, with a valid host."
    if codings and (version == "1.0" or codings != [b"chunked"]):
        # RFC 9112, 6.1: HTTP/1.0 knows no codings, so a proxy may have ignored them.
        return "The service reads no Transfer-Encoding but `chunked`, and that in HTTP/1.1 only."
    return None


def _names_its_host(version: str, hosts: list[bytes]) -> bool:
    """RFC 9112, 3.2: HTTP/1.1 needs exactly one Host; HTTP/1.0 may do without."""
    wanted = {1} if version == "1.1" else {0, 1}
    return len(hosts) in wanted and all(_HOST.fullmatch(host.strip()) for host in hosts)


def awaits_permission(headers: Iterable[Header]) -> bool:
    """Return whether a client keeps its body back until it is told to go on (RFC 9110, 10.1.1)."""
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)


def without_upgrade(method: bytes, target: bytes, version: str, headers: Iterable[Header]) -> bytes:
    """Return a request head that no longer asks for another protocol (RFC 9110, 7.8: a server may ignore that)."""
    lines = (b"%s: %s\r\n" % header for header in headers if header[0] != b"upgrade")
    return b"".join([b"%s %s HTTP/%s\r\n" % (method, target, version.encode()), *lines, b"\r\n"])
