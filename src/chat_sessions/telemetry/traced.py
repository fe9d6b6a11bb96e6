"""The lines to Postgres and Redis as steps of a trace. In place of the plain ones when traces are on; else unused."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from subprocess import Popen
from typing import Any

from opentelemetry.trace import Tracer
from typing_extensions import override

from chat_sessions.bridge.engine import PrismaEngine
from chat_sessions.bridge.node import Reporter
from chat_sessions.bridge.options import EngineOptions
from chat_sessions.redis_line.link import RedisLink
from chat_sessions.redis_line.node import ScriptName
from chat_sessions.settings import Settings
from chat_sessions.telemetry.availability import Availability
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.telemetry.tracing import step


class TracedEngine(PrismaEngine):
    """Shows the operation and the model of each call, and never what it asks for."""

    def __init__(
        self,
        options: EngineOptions,
        on_statement: Reporter | None,
        launched: Popen[bytes] | None,
        availability: Availability | None,
        tracer: Tracer,
    ) -> None:
        super().__init__(options, on_statement, launched, availability)
        self._tracer = tracer

    @override
    async def call(self, request: dict[str, Any], patience: float | None = None) -> Any:
        query = request.get("query", {})
        operation, model = query.get("action", request["op"]), query.get("modelName")
        known = {"db__system__name": "postgresql", "db__operation__name": operation}
        if model is not None:
            known["db__collection__name"] = model
        with step(self._tracer, f"prisma {operation} {model or ''}".rstrip(), **known):
            return await super().call(request, patience)


class TracedLink(RedisLink):
    """Shows how long a request waits for a script. Many share one round trip, so commands would show other requests."""

    def __init__(self, settings: Settings, metrics: Metrics, tracer: Tracer) -> None:
        super().__init__(settings, metrics)
        self._tracer = tracer

    @override
    async def run(self, script: ScriptName, keys: Sequence[str], args: Iterable[str | bytes | int]) -> Any:
        known = {"db__system__name": "redis", "db__operation__name": "EVALSHA", "db__stored_procedure__name": script}
        with step(self._tracer, f"redis {script}", **known):
            return await super().run(script, keys, args)

    @override
    @asynccontextmanager
    async def lock(self, name: str, *, ttl: float, wait: float) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            with step(self._tracer, "redis lock", db__system__name="redis", db__operation__name="SET"):
                await stack.enter_async_context(super().lock(name, ttl=ttl, wait=wait))
            yield
