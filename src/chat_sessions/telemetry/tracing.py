"""OpenTelemetry traces, enabled if the SDK is installed and the environment names a collector.

Spans have operation, route and status. They have no path, query string, parameter, key or error message, because those
contain titles, tokens and messages.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from threading import Thread
from typing import Any

import structlog
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import EventDict, WrappedLogger

from chat_sessions.telemetry.labels import method_of, route_of
from chat_sessions.version import VERSION

log = structlog.get_logger(__name__)

# OpenTelemetry's own variables.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NAMES = ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")
# An unavailable collector must not block the shutdown.
FLUSH_SECONDS = 3


class Tracing:
    """A tracer, and the SDK's provider behind it."""

    def __init__(self, provider: Any) -> None:  # noqa: ANN401  the SDK need not be installed
        self.tracer: Tracer = provider.get_tracer("chat_sessions", VERSION)
        self._provider = provider

    async def close(self) -> None:
        """Flush the remaining spans."""
        # In a thread, because the SDK would block for 30 s.
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, FLUSH_SECONDS)


def from_environment() -> Tracing | None:
    """Return the tracing that the environment configures, or None."""
    configured = any(os.environ.get(name) for name in ENDPOINTS)
    if not configured or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        return Tracing(_exporting_provider())
    except ImportError:
        log.warning("tracing.not_installed", install="chat-sessions[otel]")
        return None


def _exporting_provider() -> Any:  # noqa: ANN401  as above
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  optional
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  optional
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  optional
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  optional

    name = {} if any(each in os.environ for each in NAMES) else {"service.name": "chat-sessions"}
    resource = Resource.create({"service.version": VERSION, **name})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def trace_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the trace and span ids to a log line."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


@contextmanager
def client_span(tracer: Tracer, name: str, attributes: Mapping[str, str]) -> Iterator[None]:
    """Trace the block as a child of the current request; background tasks have none and are not traced."""
    if not trace.get_current_span().is_recording():
        yield
        return
    with _span(tracer, name, kind=SpanKind.CLIENT, attributes=attributes):
        yield


@contextmanager
def _span(tracer: Tracer, name: str, **options: Any) -> Iterator[Span]:  # noqa: ANN401  OpenTelemetry's
    with tracer.start_as_current_span(name, **options, record_exception=False, set_status_on_exception=False) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise


class TracingMiddleware:
    """Traces each request, as part of the caller's trace if it sends one (W3C Trace Context)."""

    def __init__(self, app: ASGIApp, tracer: Tracer, pseudonym_of: Callable[[str], str]) -> None:
        self._app = app
        self._tracer = tracer
        self._pseudonym_of = pseudonym_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request in its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = propagate.extract(Headers(scope=scope))
        attributes = {"http.request.method": method_of(scope), "url.scheme": scope["scheme"]}
        with _span(self._tracer, method_of(scope), context=parent, kind=SpanKind.SERVER, attributes=attributes) as span:

            async def send_traced(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _set_attributes(span, scope, int(message["status"]))
                    if "user_id" in scope:
                        span.set_attribute("enduser.pseudo.id", self._pseudonym_of(scope["user_id"]))
                await send(message)

            await self._app(scope, receive, send_traced)


def _set_attributes(span: Span, scope: Scope, status: int) -> None:
    span.update_name(f"{method_of(scope)} {route_of(scope)}")
    span.set_attributes({"http.route": route_of(scope), "http.response.status_code": status})
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_status(StatusCode.ERROR)
