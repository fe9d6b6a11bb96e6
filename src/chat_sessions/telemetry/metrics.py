"""The metrics of one worker."""

import platform

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from chat_sessions.version import VERSION

# From what a cached read takes to what makes a person wonder.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# A lock is free at once, or after as many appends as are ahead.
LOCK_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 1, 3)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
FILL_RESULTS = ("stored", "refused", "too_large", "over_share", "redis_full", "away")


class Metrics:
    """The metrics, in a registry of their own. monitoring/README.md says what they are good for."""

    def __init__(self) -> None:
        # A series of its own for the birthday of each series: nobody asks for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._count_requests()
        self._count_the_cache()
        self._count_the_outbox()
        self.feed_streams = Gauge("chat_feed_streams", "Open event streams.", registry=self.registry)
        self.loop_lag = self._histogram(
            "chat_event_loop_lag_seconds", "How late the event loop wakes whom it should.", LAG_BUCKETS
        )
        self.silent_workers = Gauge(
            "chat_workers_silent", "Workers of this host that did not answer the scrape.", registry=self.registry
        )
        build = Info("chat_build", "What runs here.", registry=self.registry)
        build.info({"version": VERSION, "python": platform.python_version()})
        ProcessCollector(registry=self.registry)

    def _count_requests(self) -> None:
        self.requests = self._counter("chat_http_requests", "Answered requests.", "method", "route", "status")
        self.latency = self._histogram(
            "chat_http_request_seconds", "Time to answer.", LATENCY_BUCKETS, "method", "route"
        )

    def _count_the_cache(self) -> None:
        self.cache_reads = self._counter(
            "chat_cache_reads",
            "Reads of the cache by kind (session, list, total) and result (hit, miss, away).",
            "kind",
            "result",
        )
        self.fills = self._counter("chat_cache_fills", "Fills of the cache by result.", "result")
        self.evictions = self._counter("chat_cache_evictions", "Evictions by result: done, skipped.", "result")
        # There from the start, so that the first one is seen as a change.
        for counter, results in ((self.fills, FILL_RESULTS), (self.evictions, ("done", "skipped"))):
            for result in results:
                counter.labels(result)
        self.lock_wait = self._histogram(
            "chat_lock_wait_seconds", "How long appends waited for the lock of their session.", LOCK_BUCKETS
        )
        self.unlocked_appends = self._counter(
            "chat_unlocked_appends", "Appends without the session lock, for Redis was away."
        )
        self.unlimited_requests = self._counter(
            "chat_unlimited_requests", "Requests past the rate limit, for Redis was away."
        )
        self.redis_failures = self._counter("chat_redis_failures", "Calls that Redis failed.")
        self.degraded = Gauge(
            "chat_degraded", "1 while the cache is not trusted: reads go to Postgres.", registry=self.registry
        )

    def _count_the_outbox(self) -> None:
        self.outbox_depth = Gauge(
            "chat_outbox_depth", "Changes that wait for the sweeper, up to 10,000.", registry=self.registry
        )
        self.outbox_age = Gauge("chat_outbox_age_seconds", "Age of the first of them.", registry=self.registry)
        self.swept = self._counter("chat_outbox_swept", "Changes that the sweeper made good.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)
