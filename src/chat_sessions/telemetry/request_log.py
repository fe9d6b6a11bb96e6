"""The log line of each request."""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, TextIO, cast

from structlog.typing import EventDict

from chat_sessions.settings import Settings
from chat_sessions.telemetry.logs import renderer

PROBE_ROUTES = frozenset(("/healthz", "/readyz", "/metrics"))


class ServedRequest(NamedTuple):
    """A request, its response, and how long it took."""

    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    user: str | None


class Line(NamedTuple):
    """A request, when it was served, and further fields of its line."""

    at: float
    request: ServedRequest
    extra: EventDict


class RequestLog:
    """Writes lines. It bypasses structlog's and the standard library's loggers, which take longer than the rest."""

    def __init__(self, output: TextIO, settings: Settings, pseudonym_of: Callable[[str], str]) -> None:
        self._output = output
        self._pseudonym_of = pseudonym_of
        self._level = logging.getLevelNamesMapping()[settings.log_level.upper()]
        self._render = renderer(settings)

    def write(self, lines: Iterable[Line]) -> None:
        """Write the lines at once."""
        self._output.write("".join(self._text(line) for line in lines))
        self._output.flush()

    def _text(self, line: Line) -> str:
        at, request, extra = line
        # Probes and scrapes would drown the rest.
        level = "debug" if request.route in PROBE_ROUTES else "info"
        if (logging.DEBUG if level == "debug" else logging.INFO) < self._level:
            return ""
        event = {
            "event": "request",
            "level": level,
            "request_id": request.request_id,
            "method": request.method,
            "route": request.route,
            "status": request.status,
            "ms": round(request.seconds * 1000, 2),
            "user": self._pseudonym_of(request.user) if request.user else None,
            **extra,
            "timestamp": f"{_second(int(at))}.{int(at % 1 * 1_000_000):06}Z",
        }
        return cast("str", self._render(None, level, event)) + "\n"


@lru_cache(maxsize=2)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
