"""A TCP balancer: it sends new connections to processes that are ready."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from itertools import count

import httpx

CHUNK = 65536
POLL_SECONDS = 0.05


class Balancer:
    """Polls each process; open connections stay where they are."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._ready: set[int] = set()
        self._open: Counter[int] = Counter()
        self._turns = count()
        self._connections = asyncio.TaskGroup()
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Balancer"]:
        async with self._connections:
            server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            polls = [self._connections.create_task(self._poll(port)) for port in self._ports]
            try:
                yield self
            finally:
                server.close()
                for each in polls:
                    each.cancel()

    async def sends_to(self, port: int) -> bool:
        return port in self._ready

    async def has_left(self, port: int) -> bool:
        """Return whether a process gets no new connections and the last one has closed."""
        return port not in self._ready and not self._open[port]

    async def _poll(self, port: int) -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            while True:
                is_ready = False
                with suppress(httpx.TransportError):
                    is_ready = (await client.get("/readyz")).status_code == 200
                (self._ready.add if is_ready else self._ready.discard)(port)
                await asyncio.sleep(POLL_SECONDS)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.create_task(self._forward(reader, writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = sorted(self._ready)
        with closing(writer), suppress(OSError, IndexError, ZeroDivisionError):
            port = ready[next(self._turns) % len(ready)]
            self._open[port] += 1
            try:
                back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_copy(reader, back_writer), _copy(back_reader, writer))
            finally:
                self._open[port] -= 1


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with closing(writer), suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
