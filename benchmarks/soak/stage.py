"""The deployment under test: servers and worker processes."""

import json
import secrets
import shutil
import signal
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.processes import MEGABYTE, Running, service
from chat_sessions.dev.embedded import Postgres, Redis, temporary_servers
from chat_sessions.store.migrations import migrate_deploy

WORKERS = 2
# Enough new connections to reach each worker, in all likelihood.
PROBES = 8
# A busy machine is slow to start processes.
RECOVERY_SECONDS = 180
POLL_SECONDS = 0.1


@dataclass
class Stage:
    """The target of faults and measurements."""

    database: Postgres
    redis: Redis
    running: Running
    secret: str

    @property
    def url(self) -> str:
        """The service's URL."""
        return self.running.url

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes, oldest first."""
        children = psutil.Process(self.running.process.pid).children()
        return sorted((each for each in children if "spawn_main" in _command(each)), key=psutil.Process.create_time)

    def engines(self) -> list[psutil.Process]:
        """Return their query engines in the same order."""
        return [each for worker in self.workers() for each in _children(worker) if "host.mjs" in _command(each)]

    def is_healthy(self) -> bool:
        """Return whether all processes run and every worker trusts its cache."""
        if len(self.workers()) != WORKERS or len(self.engines()) != WORKERS:
            return False
        with suppress(OSError):
            return all(self._is_ready() for _ in range(PROBES))
        return False

    def wait_until_healthy(self) -> None:
        """Wait until the service has recovered."""
        give_up_at = time.monotonic() + RECOVERY_SECONDS
        while not self.is_healthy():
            if time.monotonic() > give_up_at:
                raise TimeoutError("the service does not recover")
            time.sleep(POLL_SECONDS)

    def memory(self) -> dict[str, float]:
        """Return the resident megabytes by part; memory that Postgres' processes share counts once."""
        resident = {"Redis": _resident([self.redis.pid]), "Postgres": _proportional(self.database.pid)}
        for number, each in enumerate(self.workers(), 1):
            resident[f"worker {number}"] = _resident([each.pid])
        for number, each in enumerate(self.engines(), 1):
            resident[f"engine {number}"] = _resident([each.pid])
        return resident

    def _is_ready(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as response:  # noqa: S310  our own
            return bool(json.load(response)["status"] == "ok")


@contextmanager
def started(name: str) -> Iterator[Stage]:
    """Start everything with the default settings."""
    secret = secrets.token_hex(32)
    with temporary_servers() as (database, redis):
        migrate_deploy(database.url)
        environment = {
            "CHAT_DATABASE_URL": database.url,
            "CHAT_REDIS_URL": redis.url,
            "CHAT_JWT_SECRET": secret,
            "CHAT_LOG_LEVEL": "warning",
            # At the end there are no clients to drain.
            "CHAT_DRAIN_SECONDS": "0",
        }
        with service(name, environment, workers=WORKERS) as running:
            stage = Stage(database, redis, running, secret)
            stage.wait_until_healthy()
            yield stage


@contextmanager
def rolled_back(redis: Redis) -> Iterator[None]:
    """Restore Redis' data from before the block when the block ends."""
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        copy = Path(folder, "data")
        shutil.copytree(redis.data, copy)
        yield
        redis.kill()
        shutil.rmtree(redis.data)
        shutil.copytree(copy, redis.data)
        redis.start()


@contextmanager
def suspended(pause: Callable[[signal.Signals], object]) -> Iterator[None]:
    """Suspend a process during the block."""
    pause(signal.SIGSTOP)
    yield
    pause(signal.SIGCONT)


def _command(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def _children(process: psutil.Process) -> Sequence[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return process.children()
    return []


def _resident(pids: Sequence[int | None]) -> float:
    total = 0
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            total += psutil.Process(pid).memory_info().rss
    return total / MEGABYTE


def _proportional(pid: int | None) -> float:
    total = 0
    for each in _family(pid):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += each.memory_full_info().pss
    return total / MEGABYTE


def _family(pid: int | None) -> list[psutil.Process]:
    # The soak kills it at any time.
    with suppress(psutil.NoSuchProcess):
        return [psutil.Process(pid), *psutil.Process(pid).children()] if pid else []
    return []
