"""What Postgres and Redis are asked, as spans of the request's trace: which operation, never its arguments."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from opentelemetry.trace import Tracer

from chat_sessions.telemetry.tracing import step

EngineSpan = Callable[[Mapping[str, Any]], AbstractContextManager[object]]
ScriptSpan = Callable[[str], AbstractContextManager[object]]


def engine_span(tracer: Tracer) -> EngineSpan:
    """Return what opens a span around a request to the query engine."""
    return partial(_engine_step, tracer)


def script_span(tracer: Tracer) -> ScriptSpan:
    """Return what opens a span around a script. Many share one round trip; the span is one request's wait."""
    return partial(_script_step, tracer)


def _engine_step(tracer: Tracer, request: Mapping[str, Any]) -> AbstractContextManager[None]:
    query = request.get("query", {})
    operation, model = query.get("action", request["op"]), query.get("modelName")
    attributes = {"db.system.name": "postgresql", "db.operation.name": operation}
    if model is not None:
        attributes["db.collection.name"] = model
    return step(tracer, f"prisma {operation} {model or ''}".rstrip(), attributes)


def _script_step(tracer: Tracer, script: str) -> AbstractContextManager[None]:
    attributes = {"db.system.name": "redis", "db.operation.name": "EVALSHA", "db.stored_procedure.name": script}
    return step(tracer, f"redis {script}", attributes)
