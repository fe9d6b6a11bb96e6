"""Commands as separate processes, for what only a process can show."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO

import psutil

# Far longer than any of them takes.
PATIENCE_SECONDS = 180
# Parts of the command lines of workers and of their query engines.
WORKER, ENGINE = "spawn_main", "host.mjs"


def clean_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the machine's environment with these `CHAT_*` variables and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHAT_")}
    return kept | {"PYTHONUNBUFFERED": "1", **given}


def finished(
    *arguments: str, env: Mapping[str, str], module: str = "chat_sessions"
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603  our own arguments
        [sys.executable, "-m", module, *arguments],
        env=clean_environment(env),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@contextmanager
def started(
    *arguments: str,
    env: Mapping[str, str],
    output: IO[str] | int | None = None,
    module: str = "chat_sessions",
) -> Iterator[subprocess.Popen[str]]:
    """Start a command, and kill it with all its children when the block ends."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, env=clean_environment(env), stdout=output, stderr=output, text=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            kill_family(process.pid)


def family(pid: int) -> list[psutil.Process]:
    """Return a running process and all its descendants."""
    try:
        parent = psutil.Process(pid)
        return [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return []


def kill_family(pid: int) -> None:
    """Kill a process and all its descendants; some may exit before it is their turn."""
    for each in family(pid):
        with suppress(psutil.NoSuchProcess):
            each.kill()


def children(program: str, parent: int | None = None) -> list[psutil.Process]:
    """Return the children of a process (by default this one) that run a program."""
    return [each for each in psutil.Process(parent).children() if _runs(each, program)]


def _runs(process: psutil.Process, program: str) -> bool:
    try:
        return program in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        # It has exited, or is an unreaped zombie.
        return False


def has_ended(process: psutil.Process) -> bool:
    """Return whether a process has ended; in a container it may stay a zombie that nothing reaps."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
