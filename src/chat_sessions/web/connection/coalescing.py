"""Joins the writes of one event loop iteration into one system call."""

import asyncio
from typing import Any

from typing_extensions import override

# Enough for a head and most bodies.
MAX_COALESCED = 64 * 1024


class CoalescingTransport(asyncio.Transport):
    """Wraps a transport that would make one system call for a response's head and one for its body.

    Implements what uvicorn's protocol uses. The protocol stays with the wrapped transport.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._written: list[bytes | bytearray | memoryview] = []
        self._size = 0
        # Bound methods save a call per request.
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._written:
            self._loop.call_soon(self._flush)
        self._written.append(data)
        self._size += len(data)
        # The app may keep sending without a pause, and only the wrapped transport slows it down.
        if self._size > MAX_COALESCED:
            self._flush()

    @override
    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + self._size

    @override
    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    @override
    def close(self) -> None:
        self._flush()
        self._transport.close()

    @override
    def abort(self) -> None:
        self._written.clear()
        self._size = 0
        self._transport.abort()

    def _flush(self) -> None:
        written, self._written, self._size = self._written, [], 0
        # The connection may have been lost since the write.
        if written and not self._transport.is_closing():
            self._transport.write(b"".join(written))
