"""Whether the cache may be trusted."""

from time import monotonic

import structlog

from chat_sessions.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


class Trust:
    """Lost with the first failure of Redis.

    It comes back by `trust_again` alone, which the sweeper calls after it has drained the outbox: only then has every
    eviction that was skipped in the meantime been made good.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._failures = 0
        self._lost_at: float | None = monotonic()
        metrics.degraded.set(1)

    @property
    def trusted(self) -> bool:
        """Whether nothing has been skipped since the outbox was drained last."""
        return self._lost_at is None

    @property
    def failures(self) -> int:
        """How often Redis has failed so far."""
        return self._failures

    def away_for(self) -> float:
        """Return the seconds since the cache is not trusted."""
        return 0.0 if self._lost_at is None else monotonic() - self._lost_at

    def trust_again(self, failures: int) -> None:
        """Trust the cache, unless Redis has failed again since it had failed that often."""
        if self._lost_at is not None and failures == self._failures:
            log.info("cache.trusted", away_seconds=round(self.away_for(), 3))
            self._lost_at = None
            self._metrics.degraded.set(0)

    def _lose(self, error: BaseException) -> None:
        self._failures += 1
        self._metrics.redis_failures.inc()
        if self._lost_at is None:
            self._lost_at = monotonic()
            self._metrics.degraded.set(1)
            log.warning("cache.lost", error=f"{type(error).__name__}: {error}")
