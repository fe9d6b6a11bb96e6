"""Writes of a protocol arrive complete and in order, in fewer pieces."""

import asyncio

from chat_sessions.web.connection.coalescing import CoalescingTransport
from tests.waiting import until


class Sink(asyncio.Transport):
    """A transport that records what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.ends: list[str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 100

    def is_closing(self) -> bool:
        return "closed" in self.ends

    def pause_reading(self) -> None:
        self.ends.append("paused")

    def resume_reading(self) -> None:
        self.ends.append("resumed")

    def write_eof(self) -> None:
        self.ends.append("eof")

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.ends.append("aborted")


def coalescing() -> tuple[Sink, CoalescingTransport]:
    sink = Sink()
    return sink, CoalescingTransport(sink, asyncio.get_running_loop())


async def test_writes_of_one_turn_are_one_piece() -> None:
    sink, transport = coalescing()
    for piece in (b"head ", b"body", b""):
        transport.write(piece)
    assert sink.pieces == []

    async def sent() -> bool:
        return bool(sink.pieces)

    await until(sent)
    assert sink.pieces == [b"head body"]
    transport.write(b"next")
    await asyncio.sleep(0)
    assert sink.pieces == [b"head body", b"next"]


async def test_pending_writes_are_sent_before_the_end() -> None:
    sink, transport = coalescing()
    transport.write(b"last")
    transport.write_eof()
    assert (sink.pieces, sink.ends) == ([b"last"], ["eof"])
    sink, transport = coalescing()
    transport.write(b"last")
    transport.close()
    assert (sink.pieces, sink.ends, transport.is_closing()) == ([b"last"], ["closed"], True)


async def test_aborted_writes_are_not_sent() -> None:
    sink, transport = coalescing()
    transport.write(b"lost")
    transport.abort()
    await asyncio.sleep(0)
    assert (sink.pieces, sink.ends) == ([], ["aborted"])


async def test_nothing_is_written_to_a_lost_connection() -> None:
    sink, transport = coalescing()
    transport.write(b"late")
    sink.ends.append("closed")
    await asyncio.sleep(0)
    assert sink.pieces == []


async def test_pending_writes_count_towards_the_buffer_size() -> None:
    _, transport = coalescing()
    transport.write(b"12345")
    assert transport.get_write_buffer_size() == 105
