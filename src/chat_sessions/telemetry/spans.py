"""Spans of Postgres and Redis calls: the operation, never its arguments."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from opentelemetry.trace import Tracer

from chat_sessions.telemetry.tracing import client_span

EngineSpan = Callable[[Mapping[str, Any]], AbstractContextManager[object]]
ScriptSpan = Callable[[str], AbstractContextManager[object]]


def engine_span(tracer: Tracer) -> EngineSpan:
    """Return a factory of spans for calls to the query engine."""
    return partial(_engine_call, tracer)


def script_span(tracer: Tracer) -> ScriptSpan:
    """Return a factory of spans for Redis scripts: one per request, although requests share round trips."""
    return partial(_script_call, tracer)


def _engine_call(tracer: Tracer, request: Mapping[str, Any]) -> AbstractContextManager[None]:
    query = request.get("query", {})
    operation, model = query.get("action", request["op"]), query.get("modelName")
    attributes = {"db.system.name": "postgresql", "db.operation.name": operation}
    if model is not None:
        attributes["db.collection.name"] = model
    return client_span(tracer, f"prisma {operation} {model or ''}".rstrip(), attributes)


def _script_call(tracer: Tracer, script: str) -> AbstractContextManager[None]:
    attributes = {"db.system.name": "redis", "db.operation.name": "EVALSHA", "db.stored_procedure.name": script}
    return client_span(tracer, f"redis {script}", attributes)
