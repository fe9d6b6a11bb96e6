"""The ASGI application factory that `serve` and other servers import."""

import ctypes
import gc
from contextlib import suppress
from subprocess import Popen

from starlette.types import ASGIApp

from chat_sessions.settings import Settings, load_settings

# Requests leave almost no cycles, yet allocate enough to trigger Python's default threshold of 700 every few requests.
# Each full collection walks everything ever imported, which costs 20 % of throughput and the tail of latency. While the
# worker starts, nearly every object stays: without any collection it starts in four fifths of the time.
COLLECT_AFTER_ALLOCATIONS = 50_000

# glibc's initial threshold. By default it grows with each large block freed, and later blocks come from the heap, which
# rarely shrinks: after a burst of large bodies a worker kept 347 MB instead of 103.
M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES = -3, 128 * 1024


def from_environment() -> ASGIApp:
    """Build the application from the environment, or raise ConfigurationError."""
    gc.disable()
    settings = load_settings()
    _return_large_blocks()
    engine = _launch_engine_early(settings)
    # Imported here, while Node starts.
    from chat_sessions.app import create_app  # noqa: PLC0415
    from chat_sessions.telemetry import logs, tracing  # noqa: PLC0415

    logs.configure_logging(settings)
    logs.capture_warnings_and_crashes()
    traces = tracing.from_environment()
    if traces is not None:
        logs.configure_logging(settings, tracing.trace_ids)
    app = create_app(settings, launched=engine, tracing=traces)
    _tune_garbage_collector()
    return app


def _return_large_blocks() -> None:
    """Make glibc return freed large blocks to the system; other C libraries have no such setting."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)


def _launch_engine_early(settings: Settings) -> Popen[bytes] | None:
    # Imported here, after garbage collection was disabled.
    from chat_sessions.store.prisma.options import EngineOptions  # noqa: PLC0415

    # Without Node the service still starts, and reports the error when it connects.
    with suppress(OSError):
        return EngineOptions.of(settings).launch(report_statements=False)
    return None


def _tune_garbage_collector() -> None:
    """Exclude modules, routes and schemas from collection, and collect less often."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(COLLECT_AFTER_ALLOCATIONS, 20, 50)
