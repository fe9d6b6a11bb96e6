"""Spans of Postgres and Redis calls: the operation, never its arguments."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from opentelemetry.trace import Tracer

from chat_sessions.telemetry.tracing import client_span

EngineSpan = Callable[[Mapping[str, Any]], AbstractContextManager[object]]
# Of a script, or of a pipeline of plain commands.
RedisSpan = Callable[[str | None], AbstractContextManager[object]]


def engine_span(tracer: Tracer) -> EngineSpan:
    """Return a factory of spans for calls to the query engine."""
    return partial(_engine_call, tracer)


def redis_span(tracer: Tracer) -> RedisSpan:
    """Return a factory of spans for Redis: one per call, although calls share round trips."""
    return partial(_redis_call, tracer)


def _engine_call(tracer: Tracer, request: Mapping[str, Any]) -> AbstractContextManager[None]:
    query = request.get("query", {})
    operation, model = query.get("action", request["op"]), query.get("modelName")
    attributes = {"db.system.name": "postgresql", "db.operation.name": operation}
    if model is not None:
        attributes["db.collection.name"] = model
    return client_span(tracer, f"prisma {operation} {model or ''}".rstrip(), attributes)


def _redis_call(tracer: Tracer, script: str | None) -> AbstractContextManager[None]:
    attributes = {"db.system.name": "redis", "db.operation.name": "PIPELINE"}
    if script is not None:
        attributes |= {"db.operation.name": "EVALSHA", "db.stored_procedure.name": script}
    return client_span(tracer, f"redis {script or 'pipeline'}", attributes)
