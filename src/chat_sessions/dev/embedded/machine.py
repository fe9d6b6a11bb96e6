"""System resources of an embedded server: folder lock, privileges, parent-death signal, wheel files, ports."""

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

# After a crash of the parent, its servers need a moment to exit.
LOCK_TIMEOUT = 3.0
POLL_INTERVAL = 0.01

_returned: set[int] = set()


class EmbeddedServerError(RuntimeError):
    """The server cannot start; the message says why and what to do."""


class FolderInUse(EmbeddedServerError):
    """Another server uses this folder; the message says whose."""


@contextmanager
def locked_folder(home: Path) -> Iterator[IO[str]]:
    """Lock a folder and yield the lock file, whose descriptor child processes inherit.

    The folder is thus locked until the server's last process exits, even if the parent has crashed.
    """
    with (home / "lock").open("a+") as lock:
        give_up_at = time.monotonic() + LOCK_TIMEOUT
        while not _try_lock(lock):
            if time.monotonic() > give_up_at:
                lock.seek(0)
                raise FolderInUse(f"{home} is in use by process {lock.read()} or a server that it started.")
            time.sleep(POLL_INTERVAL)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock


def _try_lock(lock: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def leash(death_signal: str) -> list[str]:
    """Return the prefix of a command that exits with this process and does not run as root.

    PostgreSQL refuses to run as root. As nobody it could not read its own files below /root, so it keeps the capability
    to bypass permissions (also in `access(2)`, hence the secure bit).
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
    """Return the path of a package's file without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(f"{package} is not installed: run `make install`, or `uv sync --group embedded`.")
    return Path(spec.origin).parent / path


def free_port() -> int:
    """Return a free port below the ephemeral range, in which a client that keeps retrying may connect to itself.

    No port is returned twice: the first caller may not have used it yet.
    """
    while (port := 15_000 + secrets.randbelow(15_000)) in _returned or not is_free(port):
        pass
    _returned.add(port)
    return port


def is_free(port: int) -> bool:
    """Return whether the port can be bound."""
    with suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return True
    return False


def lasting_password(file: Path) -> str:
    """Return the password in a file, which the first call creates."""
    if not file.exists():
        write_private(file, secrets.token_hex(16))
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    file.touch(mode=0o600)
    file.write_text(text)
