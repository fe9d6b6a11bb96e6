"""Logs a worker's start, stop and failure."""

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
def log_failure() -> Iterator[None]:
    """Log an exception that ends the worker."""
    try:
        yield
    except Exception:
        log.exception("service.failed")
        raise


@asynccontextmanager
async def log_lifetime(settings: Settings) -> AsyncIterator[None]:
    """Log when the worker is ready, and when it has stopped."""
    started = monotonic()
    log.info("service.started", version=VERSION, pid=os.getpid(), settings=redact(settings))
    try:
        yield
    finally:
        log.info("service.stopped", version=VERSION, pid=os.getpid(), uptime_seconds=round(monotonic() - started, 1))


def redact(settings: Settings) -> dict[str, object]:
    """Return the settings without secrets and without credentials in URLs."""
    return {name: _redact(getattr(settings, name)) for name in type(settings).model_fields}


def _redact(value: object) -> object:
    if isinstance(value, SecretStr):
        return _redact_url(value.get_secret_value())
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, tuple):
        return [_redact(each) for each in value]
    return _redact_url(str(value)) if "://" in str(value) else str(value)


def _redact_url(url: str) -> str:
    """Keep scheme, host and path of a URL; replace anything else."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme and host else "(secret)"
