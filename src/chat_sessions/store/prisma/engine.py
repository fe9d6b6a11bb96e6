"""Prisma's JavaScript engine (see engine/) in place of the native one that Prisma Client Python downloads."""
# ruff: noqa: ANN401 - answers can be anything

import asyncio
import json
import random
from contextlib import nullcontext, suppress
from datetime import timedelta
from subprocess import Popen
from typing import Any, NoReturn, cast

from prisma._types import TransactionId
from prisma.engine._abstract import AsyncAbstractEngine
from typing_extensions import override

from chat_sessions.errors import DatabaseUnavailable, StatementUndone
from chat_sessions.store.prisma.node import NodeChild, NodeGoneError, Reporter
from chat_sessions.store.prisma.options import EngineOptions
from chat_sessions.store.prisma.protocol import raise_error
from chat_sessions.telemetry.availability import Availability
from chat_sessions.telemetry.spans import EngineSpan

#: Starting Node takes a third of a second; ten on a machine that does much else.
START_TIMEOUT = timedelta(seconds=10)

#: A ping needs no database. An engine that leaves it unanswered for so long hangs.
PING_TIMEOUT = 2.0

#: A scrape shows an engine that is too busy to tell its figures without them.
USAGE_TIMEOUT = 0.5

#: Deadlocks and the like: twice in a row is rare, and Postgres takes a second to notice each.
ATTEMPTS = 3
LONGEST_PAUSE = 0.05


class PrismaEngine(AsyncAbstractEngine):
    """Keeps one Node child running; the next call starts it anew when it has died."""

    def __init__(
        self,
        options: EngineOptions,
        on_statement: Reporter | None,
        launched: Popen[bytes] | None = None,
        availability: Availability | None = None,
        span: EngineSpan = nullcontext,
    ) -> None:
        self._starts = 0
        self._span = span
        self._availability = availability
        self._options = options
        self._launched = launched
        self._on_statement = on_statement
        self._child: NodeChild | None = None
        self._starting = asyncio.Lock()
        self._open = False

    @property
    def pid(self) -> int | None:
        """The child's, while it lives."""
        return self._child.pid if self._child and self._child.alive else None

    @property
    def restarts(self) -> int:
        """How often the engine was started anew because it had died."""
        return max(0, self._starts - 1)

    @property
    def waiting(self) -> int:
        """How many calls have no answer yet."""
        return self._child.waiting if self._child and self._child.alive else 0

    async def usage(self) -> dict[str, int] | None:
        """Return what the connections do, or None if the engine does not say at once; neither starts nor ends it."""
        if self.pid is None or self._child is None:
            return None
        with suppress(TimeoutError, OSError, NodeGoneError):
            async with asyncio.timeout(USAGE_TIMEOUT):
                answer = await self._child.call({"op": "usage"})
                return cast("dict[str, int]", answer["data"])
        return None

    async def call(self, request: dict[str, Any], patience: float | None = None) -> Any:
        """Return the engine's answer. Raise DatabaseUnavailable, or what Prisma Client Python has for the error.

        What Postgres has undone is tried again, unless it was part of a transaction: that is its owner's to repeat.
        """
        with self._span(request):
            return await self._call(request, patience)

    async def _call(self, request: dict[str, Any], patience: float | None) -> Any:
        attempts = 1 if request.get("tx") else ATTEMPTS
        while True:
            attempts -= 1
            try:
                answer = await self._answer(request, patience)
            except DatabaseUnavailable as error:
                if not isinstance(error, StatementUndone) or not attempts:
                    if self._availability is not None:
                        self._availability.failed(error)
                    raise
            else:
                if self._availability is not None:
                    self._availability.succeeded()
                return answer
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311  so that rivals part ways

    async def _answer(self, request: dict[str, Any], patience: float | None) -> Any:
        try:
            async with asyncio.timeout(patience or self._options.query_timeout):
                answer = await self._ask(await self._living_child(), request)
        except TimeoutError as error:
            await self._kill_if_hung()
            raise DatabaseUnavailable("The query engine does not answer in time.") from error
        except (OSError, NodeGoneError) as error:
            raise DatabaseUnavailable("The query engine does not run.", str(error)) from error
        if "error" in answer:
            raise_error(answer["error"])
        return answer["data"]

    async def _ask(self, child: NodeChild, request: dict[str, Any]) -> dict[str, Any]:
        if child.waiting >= self._options.max_calls:
            raise DatabaseUnavailable("Too many calls wait for the query engine.")
        await child.ready()
        return await child.call(request)

    async def _living_child(self) -> NodeChild:
        if self._child is not None and self._child.alive:
            return self._child
        async with self._starting:
            if not self._open:
                raise NodeGoneError("disconnected")
            if self._child is None or not self._child.alive:
                self._child = await NodeChild.adopt(self._launch(), self._on_statement)
                self._starts += 1
            return self._child

    def _launch(self) -> Popen[bytes]:
        launched, self._launched = self._launched, None
        if launched is not None and launched.poll() is None:
            return launched
        return self._options.launch(report_statements=self._on_statement is not None)

    async def _kill_if_hung(self) -> None:
        """Tell a hung engine from a slow database: there the neighbours of the slow call shall live."""
        if (child := self._child) is None:
            return
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await child.call({"op": "ping"})
        except (TimeoutError, NodeGoneError):
            child.kill()

    @override
    async def connect(self, timeout: timedelta = START_TIMEOUT, datasources: object = None) -> None:
        # Whether Postgres is there shows with the first query.
        self._open = True
        await self.call({"op": "ping"}, timeout.total_seconds())

    @override
    async def start_transaction(self, *, content: str) -> TransactionId:
        starting = asyncio.ensure_future(self.call({"op": "start", **json.loads(content)}))
        try:
            return TransactionId(await asyncio.shield(starting))
        except asyncio.CancelledError:
            # Nobody would know its id: it would keep a connection until it expires.
            with suppress(Exception):
                await self.rollback_transaction(await starting)
            raise

    @override
    async def commit_transaction(self, tx_id: TransactionId) -> None:
        await self.call({"op": "commit", "tx": tx_id})

    @override
    async def rollback_transaction(self, tx_id: TransactionId) -> None:
        await self.call({"op": "rollback", "tx": tx_id})

    @override
    async def aclose(self, *, timeout: timedelta | None = None) -> None:
        self._open = False
        if self._child is not None:
            await self._child.leave(timeout.total_seconds() if timeout else self._options.query_timeout)

    @override
    def close(self, *, timeout: timedelta | None = None) -> None:
        if self._child is not None and self._child.alive:
            self._child.kill()

    @override
    def stop(self, *, timeout: timedelta | None = None) -> None:
        # Prisma's own would start a task that nobody waits for.
        self.close()

    @override
    async def query(self, content: str, *, tx_id: TransactionId | None) -> NoReturn:
        raise NotImplementedError("GraphQL; BridgedPrisma does without")

    @override
    async def metrics(self, **_: object) -> NoReturn:
        raise NotImplementedError("the JavaScript engine has none")
