"""The link to Redis: one server, Sentinel or a cluster, and whether the cache may be trusted."""

from chat_sessions.imports import without

# redis-py would use it for metrics of its own, which are off.
with without("opentelemetry.sdk"):
    import redis  # noqa: F401  before anything else imports it
