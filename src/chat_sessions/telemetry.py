"""What operators see: structured logs and Prometheus metrics."""

import logging
import sys
from functools import lru_cache
from hashlib import blake2s

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.tracebacks import ExceptionDictTransformer

from chat_sessions.settings import Settings

# From what a cached read takes to what makes a person wonder.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "chat_http_requests", "Answered requests.", ["method", "route", "status"], registry=self.registry
        )
        self.latency = Histogram(
            "chat_http_request_seconds",
            "Time to answer.",
            ["method", "route"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.cache_reads = Counter(
            "chat_cache_reads", "Reads of the cache by result: hit, miss, away.", ["result"], registry=self.registry
        )
        self.fills = Counter(
            "chat_cache_fills", "Fills of the cache by result: stored, refused.", ["result"], registry=self.registry
        )
        self.evictions = Counter(
            "chat_cache_evictions", "Evictions by result: done, skipped.", ["result"], registry=self.registry
        )
        self.unlocked_appends = Counter(
            "chat_unlocked_appends", "Appends without the session lock, for Redis was away.", registry=self.registry
        )
        self.unlimited_requests = Counter(
            "chat_unlimited_requests", "Requests past the rate limit, for Redis was away.", registry=self.registry
        )
        self.redis_failures = Counter("chat_redis_failures", "Calls that Redis failed.", registry=self.registry)
        self.degraded = Gauge(
            "chat_degraded", "1 while the cache is not trusted: reads go to Postgres.", registry=self.registry
        )
        self.outbox_depth = Gauge("chat_outbox_depth", "Changes that wait for the sweeper.", registry=self.registry)
        self.outbox_age = Gauge("chat_outbox_age_seconds", "Age of the oldest of them.", registry=self.registry)
        self.swept = Counter("chat_outbox_swept", "Changes that the sweeper made good.", registry=self.registry)
        self.engine_restarts = Gauge(
            "chat_engine_restarts", "How often the query engine was started anew.", registry=self.registry
        )
        self.feed_streams = Gauge("chat_feed_streams", "Open event streams.", registry=self.registry)


@lru_cache(maxsize=4096)
def user_hash(user: str) -> str:
    """Name a user in a log without saying who it is; the same user has the same name everywhere."""
    return blake2s(user.encode(), digest_size=6).hexdigest()


def configure_logging(settings: Settings) -> None:
    """Send structlog and the standard library's loggers to standard error, in the format of the settings."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("httpx", "httpcore", "prisma"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _renderer(settings: Settings) -> list[structlog.typing.Processor]:
    if settings.log_format == "console":
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    # Without the local variables: they hold tokens, titles and messages.
    tracebacks = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    return [tracebacks, structlog.processors.JSONRenderer()]


def request_log(settings: Settings) -> structlog.typing.FilteringBoundLogger:
    """Return the log of the requests: the same lines, but not by way of logging, which costs three times as much."""
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    render = _renderer(settings)
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[structlog.stdlib.add_log_level, stamp, *render],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
    )
    return logger.bind()
