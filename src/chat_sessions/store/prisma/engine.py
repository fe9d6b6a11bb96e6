"""Prisma's JavaScript engine (see engine/) in place of the native one that Prisma Client Python downloads."""
# ruff: noqa: ANN401 - results can be any JSON

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

# Starting Node takes a third of a second, but up to ten seconds on a busy machine.
START_TIMEOUT = timedelta(seconds=10)

# A ping needs no database. An engine that does not respond to it within this time hangs.
PING_TIMEOUT = 2.0

# If the engine is too busy to respond in time, the scrape omits its figures.
USAGE_TIMEOUT = 0.5

# For deadlocks and the like: two in a row are rare, and Postgres takes a second to detect each.
ATTEMPTS = 3
LONGEST_PAUSE = 0.05


class PrismaEngine(AsyncAbstractEngine):
    """Keeps one Node child running; if it has died, the next call restarts it."""

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
        """The process id of the child while it is alive."""
        return self._child.pid if self._child and self._child.alive else None

    @property
    def restarts(self) -> int:
        """How often the engine was restarted after it had died."""
        return max(0, self._starts - 1)

    @property
    def waiting(self) -> int:
        """The number of calls without a response."""
        return self._child.waiting if self._child and self._child.alive else 0

    async def usage(self) -> dict[str, int] | None:
        """Return the state of the connection pool, or None if the engine is not running or too busy."""
        if self.pid is None or self._child is None:
            return None
        with suppress(TimeoutError, OSError, NodeGoneError):
            async with asyncio.timeout(USAGE_TIMEOUT):
                response = await self._child.call({"op": "usage"})
                return cast("dict[str, int]", response["data"])
        return None

    async def call(self, request: dict[str, Any], patience: float | None = None) -> Any:
        """Return the engine's response. Raise DatabaseUnavailable, or Prisma Client Python's exception for the error.

        Statements that were rolled back are retried, except in a transaction, which its owner must retry.
        """
        with self._span(request):
            return await self._call(request, patience)

    async def _call(self, request: dict[str, Any], patience: float | None) -> Any:
        attempts = 1 if request.get("tx") else ATTEMPTS
        while True:
            attempts -= 1
            try:
                data = await self._attempt(request, patience)
            except DatabaseUnavailable as error:
                if not isinstance(error, StatementUndone) or not attempts:
                    if self._availability is not None:
                        self._availability.failed(error)
                    raise
            else:
                if self._availability is not None:
                    self._availability.succeeded()
                return data
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311  jitter, so that competing calls diverge

    async def _attempt(self, request: dict[str, Any], patience: float | None) -> Any:
        try:
            async with asyncio.timeout(patience or self._options.query_timeout):
                response = await self._send(await self._living_child(), request)
        except TimeoutError as error:
            await self._kill_if_hung()
            raise DatabaseUnavailable("The query engine did not respond in time.") from error
        except (OSError, NodeGoneError) as error:
            raise DatabaseUnavailable("The query engine is not running.", str(error)) from error
        if "error" in response:
            raise_error(response["error"])
        return response["data"]

    async def _send(self, child: NodeChild, request: dict[str, Any]) -> dict[str, Any]:
        if child.waiting >= self._options.max_calls:
            raise DatabaseUnavailable("Too many calls are waiting for the query engine.")
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
        """Kill the engine if it hangs. If only the database is slow, other calls must not fail with the slow one."""
        if (child := self._child) is None:
            return
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await child.call({"op": "ping"})
        except (TimeoutError, NodeGoneError):
            child.kill()

    @override
    async def connect(self, timeout: timedelta = START_TIMEOUT, datasources: object = None) -> None:
        # The first query will show whether Postgres is up.
        self._open = True
        await self.call({"op": "ping"}, timeout.total_seconds())

    @override
    async def start_transaction(self, *, content: str) -> TransactionId:
        starting = asyncio.ensure_future(self.call({"op": "start", **json.loads(content)}))
        try:
            return TransactionId(await asyncio.shield(starting))
        except asyncio.CancelledError:
            # The transaction's id would be lost, and it would hold a connection until it times out.
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
        # Prisma's own method would start a task that nothing awaits.
        self.close()

    @override
    async def query(self, content: str, *, tx_id: TransactionId | None) -> NoReturn:
        raise NotImplementedError("BridgedPrisma sends no GraphQL")

    @override
    async def metrics(self, **_: object) -> NoReturn:
        raise NotImplementedError("the JavaScript engine has no metrics")
