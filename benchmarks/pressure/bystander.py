"""An uninvolved user who reads and appends at a steady rate, from a separate process."""

import asyncio
import itertools
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Literal, NamedTuple

import httpx

from benchmarks.soak.calls import no_certificates

USER = "bystander"
CALLS_PER_SECOND = 20  # to each service
APPEND_EVERY = 5
NO_RESPONSE = 0
TIMEOUT_SECONDS = 30
SESSIONS = "/api/chat/sessions"
MESSAGE = {"messages": [{"role": "user", "content": "Some words of a chat. " * 8}]}

Kind = Literal["read", "append"]


class Sample(NamedTuple):
    """One call: when it was sent, how long the response took, and its status."""

    kind: Kind
    sent: float
    seconds: float
    status: int


class Bystander:
    """The samples of the bystander, once its block has ended."""

    def __init__(self) -> None:
        self.samples: Sequence[Sample] = ()

    def within(self, kind: Kind, began: float, ended: float) -> list[Sample]:
        """Return the calls sent in an interval."""
        return [each for each in self.samples if each.kind == kind and began <= each.sent < ended]


@contextmanager
def bystander(urls: Sequence[str], token: str, session_ids: Sequence[str]) -> Iterator[Bystander]:
    """Run the user during the block."""
    result = Bystander()
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_run, args=(there, urls, token, session_ids), daemon=True)
    process.start()
    here.recv()
    try:
        yield result
    finally:
        here.send("stop")
        result.samples = here.recv()
        process.join()


def quantile(samples: Sequence[Sample], share: float) -> float:
    """Return a quantile of the milliseconds."""
    ordered = sorted(each.seconds for each in samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


def _run(line: Connection, urls: Sequence[str], token: str, session_ids: Sequence[str]) -> None:
    line.send(asyncio.run(_call_steadily(line, urls, token, session_ids)))


async def _call_steadily(line: Connection, urls: Sequence[str], token: str, session_ids: Sequence[str]) -> list[Sample]:
    samples: list[Sample] = []
    authorization = {"Authorization": f"Bearer {token}"}
    turns, tick, due = itertools.count(), 1 / CALLS_PER_SECOND, time.monotonic()
    async with httpx.AsyncClient(headers=authorization, timeout=TIMEOUT_SECONDS, verify=no_certificates()) as client:
        line.send("ready")
        async with asyncio.TaskGroup() as calls:
            # Calls do not wait for earlier responses, so a stall affects all that are sent during it.
            while not line.poll():
                turn = next(turns)
                for url in urls:
                    session_id = session_ids[turn % len(session_ids)]
                    calls.create_task(_call(client, f"{url}{SESSIONS}", turn, session_id, samples))
                due += tick
                await asyncio.sleep(max(0.0, due - time.monotonic()))
    return samples


async def _call(client: httpx.AsyncClient, url: str, turn: int, session_id: str, samples: list[Sample]) -> None:
    began = time.monotonic()
    kind: Kind = "read" if turn % APPEND_EVERY else "append"
    try:
        if kind == "append":
            response = await client.post(f"{url}/{session_id}/messages", json=MESSAGE)
        else:
            response = await client.get(f"{url}/{session_id}" if turn % 2 else url)
        status = response.status_code
    except httpx.TransportError:
        status = NO_RESPONSE
    samples.append(Sample(kind, began, time.monotonic() - began, status))
