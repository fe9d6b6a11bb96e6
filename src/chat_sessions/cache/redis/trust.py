"""Whether the cache may be trusted."""

from time import monotonic

import structlog

from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


class RedisAway(Exception):
    """Redis did not answer in time, or said that it cannot. Never shown to a client."""


class Trust:
    """A lease: lost when Redis fails, and when no ping has proved within `patience` seconds that it has not.

    A worker that stood still has seen no failure, while others gave up on evictions. Hence they wait for `patience`
    before they do: by then its lease has ended. Trust comes back by `trust_again` alone, which the sweeper calls after
    it has drained the outbox: only then has every eviction that was skipped in the meantime been made good.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.patience = settings.sweep_interval + settings.lease_slack
        self._metrics = metrics
        self._failures = 0
        self._proved_at = float("-inf")
        self._failing_since: float | None = None
        self._lost_at: float | None = monotonic()
        metrics.degraded.set(1)

    @property
    def trusted(self) -> bool:
        """Whether nothing has been skipped since the outbox was drained last."""
        self._expire()
        return self._lost_at is None

    @property
    def failures(self) -> int:
        """How often trust has been lost so far, or had reason to be."""
        return self._failures

    def away_for(self) -> float:
        """Return the seconds since the first failure after the last good ping."""
        return 0.0 if self._failing_since is None else monotonic() - self._failing_since

    def trust_again(self, failures: int) -> None:
        """Trust the cache, unless there has been a reason not to since there had been that many."""
        if self._lost_at is not None and failures == self._failures:
            log.info("cache.trusted", away_seconds=round(monotonic() - self._lost_at, 3))
            self._lost_at = self._failing_since = None
            self._metrics.degraded.set(0)

    def give_up(self) -> None:
        """Trust nothing: an eviction is left to the outbox."""
        self._lose("an eviction was given up")

    def _proved(self, asked_at: float) -> None:
        """Prolong the lease from the time at which a good ping was sent, unless it has ended already."""
        self._expire()
        self._proved_at = max(self._proved_at, asked_at)
        self._failing_since = None

    def _expire(self) -> None:
        if self._lost_at is None and monotonic() - self._proved_at > self.patience:
            self._lose("no ping was answered in time")

    def _failed(self, error: BaseException) -> None:
        self._metrics.redis_failures.inc()
        if self._failing_since is None:
            self._failing_since = monotonic()
        log.debug("redis.failed", error=f"{type(error).__name__}: {error}")

    def _lose(self, reason: BaseException | str) -> None:
        self._failures += 1
        if self._lost_at is None:
            self._lost_at = monotonic()
            self._metrics.degraded.set(1)
            said = reason if isinstance(reason, str) else f"{type(reason).__name__}: {reason}"
            log.warning("cache.lost", error=said)
