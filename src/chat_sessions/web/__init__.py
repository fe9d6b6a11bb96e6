"""HTTP: connections, middleware, authentication, routes, problems, the OpenAPI document."""

# Before anything imports structlog.
import chat_sessions.telemetry  # noqa: F401  for its effect
