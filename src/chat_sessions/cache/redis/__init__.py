"""The link to Redis: one server, Sentinel or a cluster, and whether the cache may be trusted."""

from chat_sessions.imports import without

# For the client's own metrics, which are off.
with without("opentelemetry.sdk"):
    import redis  # noqa: F401  before anything else imports it
