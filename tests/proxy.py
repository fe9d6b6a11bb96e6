"""A TCP proxy that can hold chosen requests or responses back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

T = TypeVar("T")

CHUNK = 65536
PATIENCE_SECONDS = 30


@dataclass
class Gate:
    """Holds each chunk of traffic that contains the pattern, until released."""

    pattern: bytes
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    responses: bool = False
    lost: bool = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.released.set()

    async def reached_by(self, call: asyncio.Future[Any]) -> None:
        """Return once a call is held; fail if it completes instead."""
        await self._held_or_done(call)
        assert self.reached.is_set(), f"not held: {call}"

    async def reached_by_one_of(self, call: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        """Call until a call is held, and return it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                running = asyncio.ensure_future(call())
                await self._held_or_done(running)
                if self.reached.is_set():
                    return running

    async def _held_or_done(self, call: asyncio.Future[Any]) -> None:
        held = asyncio.ensure_future(self.reached.wait())
        await asyncio.wait({held, call}, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        held.cancel()

    def cut(self) -> None:
        """Drop what is held, together with its connection."""
        self.lost = True
        self.released.set()

    async def passed(self) -> None:
        self.reached.set()
        await self.released.wait()
        if self.lost:
            raise ConnectionResetError


@dataclass
class Connection:
    """The held requests of a connection, and whether it waits for a response."""

    held: list[Gate] = field(default_factory=list)
    waiting: bool = False


class Proxy:
    """Forwards a port of 127.0.0.1 to another one, and counts round trips."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._gates: list[Gate] = []
        self._connections = asyncio.TaskGroup()
        self.port = 0
        self.round_trips = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        async with self._connections:
            server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            try:
                yield self
            finally:
                for gate in self._gates:
                    gate.released.set()
                server.close()

    def hold(self, pattern: bytes) -> Gate:
        """Hold requests that contain the pattern, until the gate is released."""
        return self._add(Gate(pattern))

    def hold_response_to(self, pattern: bytes) -> Gate:
        """Forward requests that contain the pattern, and hold their responses."""
        return self._add(Gate(pattern, responses=True))

    def _add(self, gate: Gate) -> Gate:
        self._gates.append(gate)
        return gate

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.create_task(self._forward(reader, writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection()
        with suppress(OSError):
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(
                self._requests(reader, back_writer, connection), self._responses(back_reader, writer, connection)
            )

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection
    ) -> None:
        with closing(writer), suppress(OSError):
            while data := await reader.read(CHUNK):
                self.round_trips += not connection.waiting
                connection.waiting = True
                for gate in self._gates:
                    if gate.pattern in data and not gate.released.is_set():
                        if gate.responses:
                            connection.held.append(gate)
                        else:
                            await gate.passed()
                writer.write(data)
                await writer.drain()

    async def _responses(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection
    ) -> None:
        with closing(writer), suppress(OSError):
            while data := await reader.read(CHUNK):
                connection.waiting = False
                while connection.held:
                    await connection.held.pop().passed()
                writer.write(data)
                await writer.drain()
