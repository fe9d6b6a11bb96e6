"""The log line of each request."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from io import StringIO
from typing import NamedTuple, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

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
    """Writes lines. It bypasses the standard library, which would take three times as long."""

    def __init__(self, output: TextIO, settings: Settings, pseudonym_of: Callable[[str], str]) -> None:
        self._output = output
        self._pseudonym_of = pseudonym_of
        self._text = StringIO()
        self._logger: FilteringBoundLogger = structlog.wrap_logger(
            structlog.WriteLogger(self._text),
            processors=[structlog.stdlib.add_log_level, *renderer(settings)],
            wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        ).bind()

    def write(self, lines: Iterable[Line]) -> None:
        """Write the lines at once."""
        for line in lines:
            self._render(*line)
        self._output.write(self._text.getvalue())
        self._output.flush()
        self._text.seek(0)
        self._text.truncate()

    def _render(self, at: float, request: ServedRequest, extra: EventDict) -> None:
        # Probes and scrapes would drown the rest.
        write = self._logger.debug if request.route in PROBE_ROUTES else self._logger.info
        write(
            "request",
            request_id=request.request_id,
            method=request.method,
            route=request.route,
            status=request.status,
            ms=round(request.seconds * 1000, 2),
            user=self._pseudonym_of(request.user) if request.user else None,
            **extra,
            timestamp=datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        )
