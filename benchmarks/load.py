"""The load generator: concurrent callers for some seconds, with wrk if installed, else with slower Python code."""

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urlsplit

CALLERS = 32
WARM_UP_SECONDS = 0.3
TIMEOUT = 10
LUA = Path(__file__).with_name("load.lua")


class Call(NamedTuple):
    """One request."""

    method: str
    path: str
    header: str = ""
    body: str = ""


@dataclass(frozen=True)
class Burst:
    """The result of some seconds of load."""

    requests: int
    seconds: float
    failed: int
    p50_ms: float
    p99_ms: float

    @property
    def rps(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def has_wrk() -> bool:
    """Return whether wrk is installed."""
    return shutil.which("wrk") is not None


def burst(url: str, token: str, calls: Sequence[Call], seconds: int) -> Burst:
    """Cycle through the calls for some seconds."""
    return _with_wrk(url, token, calls, seconds) if has_wrk() else asyncio.run(_with_python(url, token, calls, seconds))


def warm_up(url: str, token: str, calls: Sequence[Call]) -> None:
    """Send calls briefly, so that connections are open and responses cached."""
    asyncio.run(_with_python(url, token, calls, WARM_UP_SECONDS))


def _with_wrk(url: str, token: str, calls: Sequence[Call], seconds: int) -> Burst:
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines("\t".join(call) + "\n" for call in calls)
        file.flush()
        options = ["-t1", f"-c{CALLERS}", f"-d{seconds}s", f"--timeout={TIMEOUT}s", f"--script={LUA}"]
        command = ["wrk", *options, f"--header=Authorization: Bearer {token}", url, "--", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own arguments
    return Burst(**json.loads(done.stderr.splitlines()[-1]))


async def _with_python(url: str, token: str, calls: Sequence[Call], seconds: float) -> Burst:
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    requests = cycle([_bytes(call, host, token) for call in calls])
    end = perf_counter() + seconds
    times: list[float] = []
    failed = await asyncio.gather(*(_caller(host, port, requests, end, times) for _ in range(CALLERS)))
    p50, p99 = (sorted(times)[int(len(times) * quantile)] * 1000 for quantile in (0.5, 0.99))
    return Burst(len(times), seconds, sum(failed), p50, p99)


async def _caller(host: str, port: int, requests: Iterator[bytes], end: float, times: list[float]) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    failed = 0
    while (started := perf_counter()) < end:
        writer.write(next(requests))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        times.append(perf_counter() - started)
        failed += head.split(b" ", 2)[1] >= b"4"
    writer.close()
    return failed


def _bytes(call: Call, host: str, token: str) -> bytes:
    lines = [f"{call.method} {call.path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}"]
    if call.header:
        lines.append(call.header)
    if call.body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(call.body.encode())}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + call.body).encode()
