"""A server as a child process: the part that Postgres and Redis have in common."""

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
    claimed,
    free_port,
    lasting_password,
    leash,
)

if TYPE_CHECKING:
    import psutil

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


class Server(ABC):
    """A real server as a context manager, with the verbs that a test of outages needs."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    death_signal: ClassVar[str]

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        """Without `durable` data outlive a `kill -9` of the server, but not a power cut: for tests."""
        self.home = home.absolute()
        self.data = self.home / "data"
        self.durable = durable
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._exit = ExitStack()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._claim = stack.enter_context(claimed(self.home))
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
        """Where clients find it; the same after a restart."""

    @property
    def pid(self) -> int | None:
        """Its process; None while it is stopped."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Return when it accepts connections."""
        self._prepare()
        with (self.home / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own words
                [*leash(self.death_signal), *self._command()],
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the parent, which stops its servers after itself.
                process_group=0,
                pass_fds=[self._claim.fileno()],
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Let it write what it holds in memory, then end it."""
        if self._process:
            self.resume()
            self._process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        """End it and its children as a crash would, without a chance to write anything."""
        family = self._signal(signal.SIGKILL)
        while not all(_has_ended(process) for process in family):
            time.sleep(POLL_INTERVAL)
        if self._process:
            self._process.wait()
        self._process = None

    def pause(self) -> None:
        """Keep connections open, and let the kernel accept new ones, but answer nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again, also what was asked meanwhile."""
        self._signal(signal.SIGCONT)

    def restart(self, *, keep_data: bool = True) -> None:
        """Come back on the same port."""
        self.stop()
        if not keep_data:
            shutil.rmtree(self.data)
        self.start()

    def _signal(self, number: signal.Signals) -> "list[psutil.Process]":
        """Signal the server and its children; it is stopped first, so that it has no more of them meanwhile."""
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
    """Whether it holds nothing any more; in a container it may stay a zombie that nobody fetches."""
    import psutil  # noqa: PLC0415  a development dependency

    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True
