"""The application as an ASGI server imports it."""

import gc

from fastapi import FastAPI

from chat_sessions.app import create_app
from chat_sessions.settings import load_settings
from chat_sessions.telemetry import configure_logging

# A request leaves next to no cycles behind, yet allocates enough for Python's default of 700 to collect every few
# requests, and each full collection walks all that was ever imported: 20 % of the throughput, and the tail of latency.
COLLECT_AFTER_ALLOCATIONS = 50_000


def from_environment() -> FastAPI:
    """Build the application from the environment, or raise ConfigurationError."""
    settings = load_settings()
    configure_logging(settings)
    app = create_app(settings)
    _calm_the_collector()
    return app


def _calm_the_collector() -> None:
    """Never walk again what is there for good: modules, routes, schemas."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_ALLOCATIONS, 20, 50)
