"""Debian's PgBouncer in front of a Postgres, in transaction pooling mode."""

import signal
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from chat_sessions.dev.embedded import Postgres, Server
from chat_sessions.dev.embedded.machine import write_private
from tests.programs import installed

# Few enough that transactions of different callers share them.
SERVER_CONNECTIONS = 3


class PgBouncer(Server):
    """A pooler that moves its clients between Postgres connections after each transaction."""

    name = "PgBouncer"
    stop_signal = signal.SIGINT
    death_signal = "KILL"

    def __init__(self, home: Path, postgres: Postgres) -> None:
        super().__init__(home, durable=False)
        self._postgres = postgres

    @property
    def url(self) -> str:
        """The URL of Postgres' default database through this pooler."""
        return self.to(self._postgres.url)

    def to(self, database_url: str) -> str:
        """Return the URL of a database through this pooler."""
        user_and_password = urlsplit(database_url).netloc.rpartition("@")[0]
        return urlsplit(database_url)._replace(netloc=f"{user_and_password}@127.0.0.1:{self.port}").geturl()

    def _prepare(self) -> None:
        self.data.mkdir(exist_ok=True)
        write_private(self.home / "users", f'"postgres" "{self._postgres.password}"\n')
        options = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": self.home / "users",
            "pool_mode": "transaction",
            "default_pool_size": SERVER_CONNECTIONS,
            "max_client_conn": 200,
        }
        lines = [f"{key} = {value}\n" for key, value in options.items()]
        databases = f"[databases]\n* = host=127.0.0.1 port={self._postgres.port}\n[pgbouncer]\n"
        write_private(self.home / "pgbouncer.ini", databases + "".join(lines))

    def _command(self) -> list[str]:
        return [installed("pgbouncer"), str(self.home / "pgbouncer.ini")]

    def _is_ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False
