"""Prisma Client Python on top of the JavaScript engine.

Only this package uses private parts of Prisma, whose versions are pinned exactly.
"""
# ruff: noqa: SLF001, ANN401 - private parts are the point of this module; results can be any JSON

from contextlib import nullcontext
from pathlib import Path
from subprocess import Popen
from typing import Any, Self, cast

from prisma import Prisma
from prisma._types import PrismaMethod
from pydantic import BaseModel
from typing_extensions import override

from chat_sessions.settings import Settings
from chat_sessions.store.prisma.engine import PrismaEngine
from chat_sessions.store.prisma.node import Reporter
from chat_sessions.store.prisma.options import EngineOptions
from chat_sessions.store.prisma.protocol import build_query, parse_json
from chat_sessions.telemetry.availability import Availability
from chat_sessions.telemetry.spans import EngineSpan


class BridgedPrisma(Prisma):
    """The generated client on our engine. `on_statement` receives each SQL statement, without parameters."""

    def __init__(
        self,
        options: EngineOptions,
        *,
        on_statement: Reporter | None = None,
        engine: PrismaEngine | None = None,
    ) -> None:
        super().__init__(use_dotenv=False)
        self._options = options
        self._bridge = engine or PrismaEngine(options, on_statement)

    @property
    def engine(self) -> PrismaEngine:
        """The engine that executes the queries."""
        return self._bridge

    @override
    def _create_engine(self, dml_path: Path | None = None) -> PrismaEngine:
        return self._bridge

    @override
    def _copy(self) -> Self:
        # The client of a transaction: it shares the engine and must not stop it.
        copy = type(self)(self._options)
        copy._copied = True
        copy._bridge = self._bridge
        copy._engine = self._engine
        return copy

    @override
    async def _execute(
        self,
        *,
        method: PrismaMethod,
        arguments: dict[str, Any],
        model: type[BaseModel] | None = None,
        root_selection: list[str] | None = None,
    ) -> Any:
        query = build_query(method, arguments, model, root_selection)
        result = await self._call({"op": "query", "query": query})
        if method == "query_raw" and model is None:
            parse_json(result)
        return {"data": {"result": result}}

    async def _call(self, request: dict[str, Any]) -> Any:
        engine = cast("PrismaEngine", self._engine)
        return await engine.call({**request, "tx": self._tx_id})


def prisma_client(
    settings: Settings,
    *,
    on_statement: Reporter | None = None,
    launched: Popen[bytes] | None = None,
    availability: Availability | None = None,
    span: EngineSpan = nullcontext,
) -> BridgedPrisma:
    """Return a client that is not yet connected.

    `on_statement` receives the text of every SQL statement; `launched` is an engine started in advance.
    """
    options = EngineOptions.of(settings)
    engine = PrismaEngine(options, on_statement, launched, availability, span)
    return BridgedPrisma(options, on_statement=on_statement, engine=engine)
