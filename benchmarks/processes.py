"""Starts, measures and stops the servers under load."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError

import psutil

from chat_sessions.dev.embedded import Server
from chat_sessions.dev.embedded.machine import free_port

ROOT = Path(__file__).parents[1]
START_TIMEOUT = 90.0
MEGABYTE = 1024 * 1024
# In a row: any worker may answer.
READINESS_CHECKS = 10


@dataclass(frozen=True)
class Running:
    """A running server."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    seconds_to_start: float

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds of its Python processes and of the query engines."""
        used = {"service": 0.0, "engine": 0.0}
        for each in family(self.process.pid):
            used["engine" if _is_engine(each) else "service"] += cpu_of(each)
        return used

    def memory(self) -> dict[str, float]:
        """Return the resident megabytes of its Python processes and of the query engines."""
        held = {"service": 0.0, "engine": 0.0}
        for each in family(self.process.pid):
            with suppress(psutil.NoSuchProcess):
                held["engine" if _is_engine(each) else "service"] += each.memory_info().rss / MEGABYTE
        return held

    def suspend(self) -> None:
        """Stop its processes until `resume`."""
        for each in family(self.process.pid):
            each.suspend()

    def resume(self) -> None:
        """Let its processes continue. A service does not trust its cache at first."""
        for each in family(self.process.pid):
            each.resume()

    def await_cache(self) -> None:
        """Return when each worker trusts its cache."""
        give_up_at, trusted = time.monotonic() + START_TIMEOUT, 0
        while trusted < READINESS_CHECKS:
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"{self.name} does not trust its cache")
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as response:  # noqa: S310  our own
                trusted = trusted + 1 if json.load(response)["cache"] == "ok" else 0
            time.sleep(0.005)

    def engines(self) -> set[int]:
        """Return the process ids of the query engines."""
        return {each.pid for each in family(self.process.pid) if _is_engine(each)}


def family(pid: int) -> list[psutil.Process]:
    """Return a process and its descendants."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def cpu_of(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and its exited children."""
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def cpu_of_server(server: Server) -> float:
    """Return the CPU seconds of an embedded server."""
    return sum((cpu_of(each) for each in family(server.pid)), 0.0) if server.pid else 0.0


def _is_engine(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "host.mjs" in " ".join(process.cmdline())
    return False


@contextmanager
def service(
    name: str, environment: Mapping[str, str], *, workers: int = 1, healthy: str = "/readyz"
) -> Iterator[Running]:
    """Run `chat-sessions serve`."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "chat-sessions"), "serve", f"--port={port}", f"--workers={workers}"]
    with _running(name, command, environment, port, healthy) as running:
        yield running


@contextmanager
def baseline(name: str, environment: Mapping[str, str]) -> Iterator[Running]:
    """Run a module of `baselines/` like the service."""
    port = free_port()
    options = ["--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning", f"--port={port}"]
    command = [sys.executable, "-m", "uvicorn", f"benchmarks.baselines.{name}:app", *options]
    with _running(name, command, environment, port, "/openapi.json") as running:
        yield running


@contextmanager
def _running(name: str, command: list[str], environment: Mapping[str, str], port: int, path: str) -> Iterator[Running]:
    log = ROOT / "benchmarks" / "results" / f"{name}.log"
    log.parent.mkdir(exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  our own arguments
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output
        )
        try:
            _await(url + path, process, log)
            yield Running(name, url, process, time.perf_counter() - started)
        finally:
            process.terminate()
            process.wait()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up_at = time.monotonic() + START_TIMEOUT
    while not _responds(url):
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError(f"{log.stem} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.005)


def _responds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  our own
            return bool(response.status < 300)  # noqa: PLR2004
    except (HTTPError, URLError, OSError):
        return False
