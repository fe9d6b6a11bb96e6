"""Checks CHAT_CORS_ORIGINS: browsers' origins are compared as text, so another spelling never matches."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

EXAMPLE: Final = "an origin such as https://app.example"
# Any origin, and that of sandboxed frames and of files.
SPECIAL: Final = ("*", "null")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Return the origins, or raise ValueError with the right spelling of each one that no browser sends."""
    errors = [error for origin in origins if (error := _find_error(origin)) is not None]
    if errors:
        raise ValueError("; ".join(errors))
    return origins


def _find_error(origin: str) -> str | None:
    if origin in SPECIAL:
        return None
    if "*" in origin:
        return f"{origin} never matches, because wildcards are not supported: list each origin, or allow all with *"
    sent = _as_sent(origin)
    if sent is None:
        return f"{origin} is not {EXAMPLE}"
    return None if sent == origin else f"{origin} never matches, because browsers send {sent}"


def _as_sent(origin: str) -> str | None:
    """Return the origin as browsers send it (RFC 6454, 6.2)."""
    try:
        parts = urlsplit(origin if "://" in origin else f"https://{origin}")
        host, port = _host(parts), parts.port
    except ValueError:
        return None
    if not host:
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, DEFAULT_PORTS.get(parts.scheme)} else "")


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host.encode("idna").decode()
