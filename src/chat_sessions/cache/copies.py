"""Copies of cached responses in a worker, so that Redis need only confirm one, not send it again."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

from chat_sessions.contract.representation import Representation

# Per worker.
MAX_BYTES = 8 * 1024 * 1024
# Of the objects around a body.
OVERHEAD_BYTES = 1024
# Unused copies are dropped after this time to twice as much. Redis never confirms a copy of a deleted session, but the
# text should not stay in memory either.
UNUSED_SECONDS = 10.0


class Copy(NamedTuple):
    """A cached response, with the generation and the stamp that Redis must still have if it is current."""

    generation: bytes
    stamp: bytes
    representation: Representation

    @property
    def size(self) -> int:
        """The bytes it counts for."""
        return len(self.representation.body) + OVERHEAD_BYTES


@dataclass
class _Fields:
    used_at: float
    copies: dict[str, Copy] = field(default_factory=dict)


class Copies:
    """The copies used last, by the key and the field of their entries."""

    def __init__(self) -> None:
        # The least recently used one is first.
        self._by_key: OrderedDict[str, _Fields] = OrderedDict()
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def get(self, key: str, name: str) -> Copy | None:
        """Return a copy, to be confirmed."""
        fields = self._used(key)
        return None if fields is None else fields.copies.get(name)

    def put(self, key: str, name: str, copy: Copy) -> None:
        """Keep a copy in place of an earlier one, and drop the least recently used ones beyond MAX_BYTES."""
        fields = self._used(key)
        if fields is None:
            fields = self._by_key[key] = _Fields(monotonic())
        elif (earlier := fields.copies.get(name)) is not None:
            self._bytes -= earlier.size
        fields.copies[name] = copy
        self._bytes += copy.size
        while self._bytes > MAX_BYTES:
            self.drop(next(iter(self._by_key)))
        if self._timer is None:
            self._start_timer()

    def drop(self, *keys: str) -> None:
        """Drop all copies of these keys."""
        for key in keys:
            if (fields := self._by_key.pop(key, None)) is not None:
                self._bytes -= sum(copy.size for copy in fields.copies.values())

    def _used(self, key: str) -> _Fields | None:
        if (fields := self._by_key.get(key)) is not None:
            fields.used_at = monotonic()
            self._by_key.move_to_end(key)
        return fields

    def _start_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(UNUSED_SECONDS, self._drop_unused)

    def _drop_unused(self) -> None:
        expired = monotonic() - UNUSED_SECONDS
        while self._by_key and next(iter(self._by_key.values())).used_at <= expired:
            self.drop(next(iter(self._by_key)))
        self._timer = None
        if self._by_key:
            self._start_timer()
