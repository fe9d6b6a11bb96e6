"""Logs once when the database becomes unavailable and once when it is back, however many calls fail."""

from time import monotonic

import structlog

from chat_sessions.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

# Some calls may succeed during an outage, such as reads while the disk is full.
QUIET_SECONDS = 5.0


class Availability:
    """Tracks the current outage of the database."""

    def __init__(self, quiet: float = QUIET_SECONDS) -> None:
        self._quiet = quiet
        self._reasons: set[str] = set()
        self._lost_at = 0.0
        self._failed_at = 0.0

    def failed(self, error: DatabaseUnavailable) -> None:
        """Log each reason once per outage."""
        self._failed_at = monotonic()
        if not self._reasons:
            self._lost_at = self._failed_at
        if error.reason not in self._reasons:
            self._reasons.add(error.reason)
            log.warning("database.unavailable", reason=error.reason, cause=error.cause)

    def succeeded(self) -> None:
        """End the outage once nothing has failed for QUIET_SECONDS."""
        if self._reasons and monotonic() - self._failed_at >= self._quiet:
            self._reasons.clear()
            log.info("database.available", away_seconds=round(self._failed_at - self._lost_at, 3))
