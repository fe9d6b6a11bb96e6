"""A server as a child process: the common part of Postgres and Redis."""

import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from chat_sessions.dev.embedded.machine import (
    POLL_INTERVAL,
    EmbeddedServerError,
    free_port,
    lasting_password,
    leash,
    locked_folder,
)

if TYPE_CHECKING:
    import psutil

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


class Server(ABC):
    """A server as a context manager, with the faults that tests need."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    death_signal: ClassVar[str]

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        """Without `durable`, data survive a `kill -9` of the server but not a power cut."""
        self.home = home.absolute()
        self.data = self.home / "data"
        self.durable = durable
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._exit = ExitStack()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._lock = stack.enter_context(locked_folder(self.home))
            self.password = lasting_password(self.home / "password")
            stack.callback(self.stop)
            self.start()
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL for clients, which a restart does not change."""

    @property
    def pid(self) -> int | None:
        """The process id, or None while it is stopped."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        self._prepare()
        with (self.home / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own arguments
                [*leash(self.death_signal), *self._command()],
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C must reach only the parent, which stops its servers last.
                process_group=0,
                pass_fds=[self._lock.fileno()],
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Shut it down gracefully."""
        if self._process:
            self.resume()
            self._process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        """Kill it and its children, like a crash."""
        family = self._signal(signal.SIGKILL)
        while not all(_has_ended(process) for process in family):
            time.sleep(POLL_INTERVAL)
        if self._process:
            self._process.wait()
        self._process = None

    def pause(self) -> None:
        """Stop responding; connections stay open, and the kernel accepts new ones."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Respond again, also to what was sent meanwhile."""
        self._signal(signal.SIGCONT)

    def restart(self, *, keep_data: bool = True) -> None:
        """Restart it on the same port."""
        self.stop()
        if not keep_data:
            shutil.rmtree(self.data)
        self.start()

    def _signal(self, number: signal.Signals) -> "list[psutil.Process]":
        """Signal the server and its children; the server is suspended first, so that it cannot fork meanwhile."""
        import psutil  # noqa: PLC0415  a development dependency

        if self._process is None or self._process.poll() is not None:
            return []
        parent = psutil.Process(self._process.pid)
        parent.suspend()
        family = [*parent.children(recursive=True), parent]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return family

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        give_up_at = time.monotonic() + START_TIMEOUT
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > give_up_at:
                log = (self.home / "log").read_text(errors="replace")
                raise EmbeddedServerError(f"{self.name} did not start:\n{log[-2000:]}")
            time.sleep(POLL_INTERVAL)

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...


def _has_ended(process: "psutil.Process") -> bool:
    """Return whether the process has exited; in a container nobody may reap it, so it stays a zombie."""
    import psutil  # noqa: PLC0415  a development dependency

    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True
