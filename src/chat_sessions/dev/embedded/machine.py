"""What a server takes from the machine: a folder, a user, a life no longer than ours, a file of a wheel, a port."""

import fcntl
import os
import pwd
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

# A predecessor that crashed has told its servers to stop; this is how long they may take.
CLAIM_TIMEOUT = 3.0
POLL_INTERVAL = 0.01


class EmbeddedServerError(RuntimeError):
    """A server cannot be had here; the message says why and what to do."""


class FolderInUse(EmbeddedServerError):
    """Another server has this folder; the message says whose."""


@contextmanager
def claimed(home: Path) -> Iterator[IO[str]]:
    """Hold the right to use a folder, in the shape of an open file: who inherits it shares the right.

    So a folder is free when the last process of its server has gone, whatever became of the parent.
    """
    with (home / "lock").open("a+") as lock:
        give_up_at = time.monotonic() + CLAIM_TIMEOUT
        while not _locked(lock):
            if time.monotonic() > give_up_at:
                lock.seek(0)
                raise FolderInUse(f"{home} is in use, by process {lock.read()} or a server that it started.")
            time.sleep(POLL_INTERVAL)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock


def _locked(lock: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def leash(death_signal: str) -> list[str]:
    """Start a command line whose process ends with this one, and is not root.

    PostgreSQL refuses to be root. As nobody it would not find itself below /root or any other closed
    folder, so it keeps the one capability that opens folders (also for `access(2)`, hence the secure bit).
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    leash = [setpriv, f"--pdeathsig={death_signal}"]
    if os.geteuid() != 0:
        return leash
    nobody = pwd.getpwnam("nobody")
    capabilities = [f"--{kind}=-all,+dac_override" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    identity = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return [*leash, *identity, "--securebits=+no_setuid_fixup", *capabilities]


def wheel_file(package: str, path: str) -> Path:
    """Find it without importing the package, which may do more than it says."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(f"{package} is not installed: run `make install`, or `uv sync --group embedded`.")
    return Path(spec.origin).parent / path


def free_port() -> int:
    """Look below the ephemeral ports, where a client that retries while its server is away may reach itself."""
    while not is_free(port := 15_000 + secrets.randbelow(15_000)):
        pass
    return port


def is_free(port: int) -> bool:
    """Whether nobody listens there, or has just done so."""
    with suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return True
    return False


def lasting_password(file: Path) -> str:
    """Make one up the first time."""
    if not file.exists():
        write_private(file, secrets.token_hex(16))
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    """Write what only the owner may read."""
    file.touch(mode=0o600)
    file.write_text(text)
