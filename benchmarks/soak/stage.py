"""The deployment under test: its servers, and the processes of the service."""

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
# Enough connections that each worker has probably answered one of them.
LOOKS = 8
# A machine that does much else takes its time to start a process.
RECOVERY_SECONDS = 180
POLL_SECONDS = 0.1


@dataclass
class Stage:
    """What faults are injected into, and what is measured."""

    database: Postgres
    redis: Redis
    running: Running
    secret: str

    @property
    def url(self) -> str:
        """Where the service answers."""
        return self.running.url

    def workers(self) -> list[psutil.Process]:
        """Return the processes that serve, the eldest first."""
        children = psutil.Process(self.running.process.pid).children()
        return sorted((each for each in children if "spawn_main" in _command(each)), key=psutil.Process.create_time)

    def engines(self) -> list[psutil.Process]:
        """Return their query engines, in the same order."""
        return [each for worker in self.workers() for each in _children(worker) if "host.mjs" in _command(each)]

    def is_well(self) -> bool:
        """Whether all processes are there and every worker trusts its cache."""
        if len(self.workers()) != WORKERS or len(self.engines()) != WORKERS:
            return False
        with suppress(OSError):
            return all(self._answers_ok() for _ in range(LOOKS))
        return False

    def until_well(self) -> None:
        """Wait for it."""
        give_up_at = time.monotonic() + RECOVERY_SECONDS
        while not self.is_well():
            if time.monotonic() > give_up_at:
                raise TimeoutError("the service does not recover")
            time.sleep(POLL_SECONDS)

    def memory(self) -> dict[str, float]:
        """Return the resident megabytes of each part; Postgres' processes share much, which counts once."""
        resident = {"Redis": _resident([self.redis.pid]), "Postgres": _proportional(self.database.pid)}
        for number, each in enumerate(self.workers(), 1):
            resident[f"worker {number}"] = _resident([each.pid])
        for number, each in enumerate(self.engines(), 1):
            resident[f"engine {number}"] = _resident([each.pid])
        return resident

    def _answers_ok(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310  our own
            return bool(json.load(answer)["status"] == "ok")


@contextmanager
def staged(name: str) -> Iterator[Stage]:
    """Start everything, with the settings that users have."""
    secret = secrets.token_hex(32)
    with temporary_servers() as (database, redis):
        migrate_deploy(database.url)
        environment = {
            "CHAT_DATABASE_URL": database.url,
            "CHAT_REDIS_URL": redis.url,
            "CHAT_JWT_SECRET": secret,
            "CHAT_LOG_LEVEL": "warning",
            # Nobody is left in the end to be sent elsewhere.
            "CHAT_DRAIN_SECONDS": "0",
        }
        with service(name, environment, workers=WORKERS) as running:
            stage = Stage(database, redis, running, secret)
            stage.until_well()
            yield stage


@contextmanager
def remembered(redis: Redis) -> Iterator[None]:
    """Bring Redis back, after the block, with the data that it had before it."""
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        copy = Path(folder, "data")
        shutil.copytree(redis.data, copy)
        yield
        redis.kill()
        shutil.rmtree(redis.data)
        shutil.copytree(copy, redis.data)
        redis.start()


@contextmanager
def stopped(pause: Callable[[signal.Signals], object]) -> Iterator[None]:
    """Let something not answer during the block."""
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
    for each in [psutil.Process(pid), *psutil.Process(pid).children()] if pid else []:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += each.memory_full_info().pss
    return total / MEGABYTE
