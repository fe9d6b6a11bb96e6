"""The lease on the cache: how long a worker may trust what is cached."""

from time import monotonic

import structlog

from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


class RedisAway(Exception):
    """Redis did not respond in time, or returned an error. Never shown to a client."""


class Lease:
    """Ends when Redis fails, and when no ping has succeeded for `duration` seconds.

    The link ends it on errors, Masters when the topology changes, Evictor and Sweeper when they give up an eviction.

    A worker that was paused has seen no failure, while others gave up evictions. So they keep retrying for `duration`
    before they give up: by then its lease has ended. Only `restore` starts a new one. The sweeper calls it after it has
    drained the outbox, that is, after every eviction skipped in the meantime was repeated.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.duration = settings.sweep_interval + settings.lease_slack
        self._metrics = metrics
        self._losses = 0
        self._proved_at = float("-inf")
        self._failing_since: float | None = None
        self._lost_at: float | None = monotonic()
        metrics.degraded.set(1)

    @property
    def valid(self) -> bool:
        """Whether the cache may be trusted."""
        self._expire()
        return self._lost_at is None

    @property
    def losses(self) -> int:
        """How often the lease was lost, or would have been had it not been lost already."""
        return self._losses

    def failing_for(self) -> float:
        """Return the seconds since the first failure after the last successful ping."""
        return 0.0 if self._failing_since is None else monotonic() - self._failing_since

    def restore(self, losses: int) -> None:
        """Start a new lease, unless `losses` has grown in the meantime."""
        if self._lost_at is not None and losses == self._losses:
            log.info("cache.trusted", away_seconds=round(monotonic() - self._lost_at, 3))
            self._lost_at = self._failing_since = None
            self._metrics.degraded.set(0)

    def prove(self, pinged_at: float) -> None:
        """Extend the lease from the time a successful ping was sent, unless it has expired."""
        self._expire()
        self._proved_at = max(self._proved_at, pinged_at)
        self._failing_since = None

    def note_failure(self, error: BaseException) -> None:
        """Count a failed call, which alone does not end the lease."""
        self._metrics.redis_failures.inc()
        if self._failing_since is None:
            self._failing_since = monotonic()
        log.debug("redis.failed", error=f"{type(error).__name__}: {error}")

    def lose(self, reason: BaseException | str) -> None:
        """End the lease."""
        self._losses += 1
        if self._lost_at is None:
            self._lost_at = monotonic()
            self._metrics.degraded.set(1)
            text = reason if isinstance(reason, str) else f"{type(reason).__name__}: {reason}"
            log.warning("cache.lost", error=text)

    def _expire(self) -> None:
        if self._lost_at is None and monotonic() - self._proved_at > self.duration:
            self.lose("no ping succeeded in time")
