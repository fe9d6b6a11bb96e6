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

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LOCK_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 1, 3)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
FILL_RESULTS = ("stored", "refused", "too_large", "over_share", "redis_full", "away")


class Metrics:
    """The metrics, in their own registry. monitoring/README.md explains them."""

    def __init__(self) -> None:
        # Creation times would double the number of series.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._add_requests()
        self._add_cache()
        self._add_outbox()
        self._add_webhooks()
        self.feed_streams = Gauge("chat_feed_streams", "Open event streams.", registry=self.registry)
        self.loop_lag = self._histogram("chat_event_loop_lag_seconds", "Event-loop lag.", LAG_BUCKETS)
        self.silent_workers = Gauge(
            "chat_workers_silent", "Workers of this host that did not respond to the scrape.", registry=self.registry
        )
        build = Info("chat_build", "Versions.", registry=self.registry)
        build.info({"version": VERSION, "python": platform.python_version()})
        ProcessCollector(registry=self.registry)

    def _add_requests(self) -> None:
        self.requests = self._counter("chat_http_requests", "HTTP requests.", "method", "route", "status")
        self.latency = self._histogram(
            "chat_http_request_seconds", "HTTP request duration.", LATENCY_BUCKETS, "method", "route"
        )

    def _add_cache(self) -> None:
        self.cache_reads = self._counter(
            "chat_cache_reads",
            "Cache reads by kind (session, list, total) and result (hit, miss, away).",
            "kind",
            "result",
        )
        self.fills = self._counter("chat_cache_fills", "Cache fills by result.", "result")
        self.evictions = self._counter("chat_cache_evictions", "Cache evictions by result: done, skipped.", "result")
        # Series that start at 0, so that rate() sees the first increment.
        for counter, results in ((self.fills, FILL_RESULTS), (self.evictions, ("done", "skipped"))):
            for result in results:
                counter.labels(result)
        self.lock_wait = self._histogram(
            "chat_lock_wait_seconds", "Time that appends waited for the session lock.", LOCK_BUCKETS
        )
        self.unlocked_appends = self._counter(
            "chat_unlocked_appends", "Appends without the session lock because Redis was unavailable."
        )
        self.unlimited_requests = self._counter(
            "chat_unlimited_requests", "Requests without the rate limit because Redis was unavailable."
        )
        self.redis_failures = self._counter("chat_redis_failures", "Failed Redis calls.")
        self.degraded = Gauge(
            "chat_degraded", "1 while the cache is not trusted and reads go to Postgres.", registry=self.registry
        )

    def _add_outbox(self) -> None:
        self.outbox_depth = Gauge(
            "chat_outbox_depth", "Outbox notes waiting for the sweeper, at most 10,000.", registry=self.registry
        )
        self.outbox_age = Gauge("chat_outbox_age_seconds", "Age of the oldest outbox note.", registry=self.registry)
        self.swept = self._counter("chat_outbox_swept", "Outbox notes cleared by the sweeper.")

    def _add_webhooks(self) -> None:
        self.webhook_waiting = Gauge(
            "chat_webhook_waiting", "Deliveries waiting for a receiver.", ("receiver",), registry=self.registry
        )
        self.webhook_age = Gauge(
            "chat_webhook_age_seconds", "Age of a receiver's oldest delivery.", ("receiver",), registry=self.registry
        )
        self.webhook_deliveries = self._counter(
            "chat_webhook_deliveries", "Delivery attempts by result: delivered, failed.", "receiver", "result"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)
