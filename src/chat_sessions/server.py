"""The application as an ASGI server imports it."""

import gc
from contextlib import suppress
from subprocess import Popen

from starlette.types import ASGIApp

from chat_sessions.settings import Settings, load_settings
from chat_sessions.store.prisma.options import EngineOptions

# A request leaves next to no cycles behind, yet allocates enough for Python's default of 700 to collect every few
# requests, and each full collection walks all that was ever imported: 20 % of the throughput, and the tail of latency.
COLLECT_AFTER_ALLOCATIONS = 50_000


def from_environment() -> ASGIApp:
    """Build the application from the environment, or raise ConfigurationError."""
    settings = load_settings()
    engine = _head_start(settings)
    # Node starts while this process imports most of what it needs, which takes it longer.
    from chat_sessions.app import create_app  # noqa: PLC0415
    from chat_sessions.telemetry import logs, tracing  # noqa: PLC0415

    logs.configure_logging(settings)
    logs.log_everything()
    traces = tracing.from_environment()
    if traces is not None:
        logs.configure_logging(settings, tracing.trace_ids)
    app = create_app(settings, launched=engine, tracing=traces)
    _calm_the_collector()
    return app


def _head_start(settings: Settings) -> Popen[bytes] | None:
    # Without Node the service starts all the same, and says so where it needs it.
    with suppress(OSError):
        return EngineOptions.of(settings).launch(report_statements=False)
    return None


def _calm_the_collector() -> None:
    """Never walk again what is there for good: modules, routes, schemas."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_ALLOCATIONS, 20, 50)
