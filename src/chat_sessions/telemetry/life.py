"""The first and the last line that a worker logs."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from chat_sessions.settings import Settings
from chat_sessions.version import VERSION

log = structlog.get_logger(__name__)


@contextmanager
def explained() -> Iterator[None]:
    """Log why a worker cannot start, or not end well."""
    try:
        yield
    except Exception:
        log.exception("service.failed")
        raise


@asynccontextmanager
async def announced(settings: Settings) -> AsyncIterator[None]:
    """Log that the worker is ready, and that it has ended."""
    started = monotonic()
    log.info("service.started", version=VERSION, pid=os.getpid(), settings=told(settings))
    try:
        yield
    finally:
        log.info("service.stopped", version=VERSION, pid=os.getpid(), uptime_seconds=round(monotonic() - started, 1))


def told(settings: Settings) -> dict[str, object]:
    """Return the settings without what is secret; of an address, where it leads."""
    return {name: _told(getattr(settings, name)) for name in type(settings).model_fields}


def _told(value: object) -> object:
    if isinstance(value, SecretStr):
        return _place(value.get_secret_value())
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, tuple):
        return [_told(each) for each in value]
    return _place(str(value)) if "://" in str(value) else str(value)


def _place(url: str) -> str:
    """Leave of a URL its scheme, host and path, and nothing of what is none."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme and host else "(secret)"
