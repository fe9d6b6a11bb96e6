"""Exports a user's sessions as NDJSON."""

from typing import Protocol

from chat_sessions.store.export_store import ExportStore


class Writer(Protocol):
    """A binary output."""

    def write(self, data: bytes, /) -> object:
        """Write some bytes."""


class Exporter:
    """Writes all sessions of a user in order of creation."""

    def __init__(self, exports: ExportStore) -> None:
        self._exports = exports

    async def run(self, user: str, out: Writer) -> int:
        """Write one line per session and return their number; a session deleted meanwhile is left out entirely."""
        written = 0
        async for line in self._exports.lines(user):
            for chunk in line:
                out.write(chunk)
            written += 1
        return written
