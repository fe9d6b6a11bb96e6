"""A raw connection to the service, byte by byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from tests.waiting import LIMIT_SECONDS

# Pause between the bytes of a slow client.
MOMENT = 0.05
# Event-loop turns after which a server in the same loop has read what was sent.
TURNS = 3


@dataclass
class Line:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def port(self) -> int:
        port: int = self.writer.get_extra_info("sockname")[1]
        return port

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def send_apart(self, *pieces: bytes) -> None:
        """Send pieces so that a server in this event loop reads each one separately."""
        for piece in pieces:
            await self.send(piece)
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def response(self) -> httpx.Response:
        """Return the next response."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), LIMIT_SECONDS)
        first, *lines = head.decode().split("\r\n")
        headers = httpx.Headers(dict(line.split(": ", 1) for line in lines if line))
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return httpx.Response(int(first.split()[1]), headers=headers, content=body)

    async def rest(self) -> bytes:
        """Return everything up to the end of the connection."""
        try:
            return await asyncio.wait_for(self.reader.read(), LIMIT_SECONDS)
        except ConnectionError:
            return b""

    @asynccontextmanager
    async def trickling(self, piece: bytes) -> AsyncIterator[None]:
        """Keep sending a piece slowly while the block runs and the server listens."""

        async def trickle() -> None:
            with suppress(ConnectionError):
                while True:
                    await self.send(piece)
                    await asyncio.sleep(MOMENT)

        task = asyncio.create_task(trickle())
        try:
            yield
        finally:
            task.cancel()


@asynccontextmanager
async def connected_to(url: str) -> AsyncIterator[Line]:
    """Connect to the server of a URL."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
