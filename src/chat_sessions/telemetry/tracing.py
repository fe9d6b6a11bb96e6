"""Traces, for those who collect them: on when OpenTelemetry's SDK is installed and the environment names a collector.

A span tells what was done, for which route and how it ended: no path, no query string, no parameters, no key and no
text of an error, for titles, tokens and messages are in those.
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

# OpenTelemetry's own variables, which its SDK reads as well.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NAMES = ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")
# A collector that is away must not keep the service from ending.
FLUSH_SECONDS = 3


class Tracing:
    """Makes spans, with the provider of an SDK."""

    def __init__(self, provider: Any) -> None:  # noqa: ANN401  the SDK need not be installed
        self.tracer: Tracer = provider.get_tracer("chat_sessions", VERSION)
        self._provider = provider

    async def close(self) -> None:
        """Send what has not been sent, if the collector takes it."""
        # The SDK itself would wait for half a minute.
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, FLUSH_SECONDS)


def from_environment() -> Tracing | None:
    """Return what exports to the collector that the environment names, or None."""
    wanted = any(os.environ.get(name) for name in ENDPOINTS)
    if not wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
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
    """Add to a line of the log in which trace it was written."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


@contextmanager
def step(tracer: Tracer, name: str, attributes: Mapping[str, str]) -> Iterator[None]:
    """Show the block as a step of the request that is traced; what the service does by itself is nobody's step."""
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
    """A span for each request, as part of the caller's trace if there is one (W3C Trace Context)."""

    def __init__(self, app: ASGIApp, tracer: Tracer, name_of: Callable[[str], str]) -> None:
        self._app = app
        self._tracer = tracer
        self._name_of = name_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request within its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = propagate.extract(Headers(scope=scope))
        attributes = {"http.request.method": method_of(scope), "url.scheme": scope["scheme"]}
        with _span(self._tracer, method_of(scope), context=parent, kind=SpanKind.SERVER, attributes=attributes) as span:

            async def send_described(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _describe(span, scope, int(message["status"]))
                    if "user_id" in scope:
                        span.set_attribute("enduser.pseudo.id", self._name_of(scope["user_id"]))
                await send(message)

            await self._app(scope, receive, send_described)


def _describe(span: Span, scope: Scope, status: int) -> None:
    span.update_name(f"{method_of(scope)} {route_of(scope)}")
    span.set_attributes({"http.route": route_of(scope), "http.response.status_code": status})
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_status(StatusCode.ERROR)
