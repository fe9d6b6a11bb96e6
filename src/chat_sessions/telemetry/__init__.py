"""Metrics, logs and traces."""

from chat_sessions.imports import without

# structlog would use it for tracebacks in a terminal; ours are plain.
with without("rich"):
    import structlog  # noqa: F401  before anything else imports it
