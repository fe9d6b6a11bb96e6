"""The PgBouncer of Debian's package in front of a Postgres, pooling by transaction, configured with no favours."""

import os
import shutil
import signal
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chat_sessions.dev.embedded import Postgres, Server
from chat_sessions.dev.embedded.machine import write_private

# So few that transactions of different callers have to share them.
SERVER_CONNECTIONS = 3


class PgBouncer(Server):
    """A pooler whose clients are handed from one connection of Postgres to the next after each transaction."""

    name = "PgBouncer"
    stop_signal = signal.SIGINT
    death_signal = "KILL"

    def __init__(self, home: Path, postgres: Postgres) -> None:
        super().__init__(home, durable=False)
        self._postgres = postgres

    @property
    def url(self) -> str:
        """Where the database of Postgres' own URL is found, without a word of whom it is asked through."""
        return self.to(self._postgres.url)

    def to(self, database_url: str) -> str:
        """Return the way to a database of Postgres by way of this."""
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
        return [program(), str(self.home / "pgbouncer.ini")]

    def _is_ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


def program() -> str:
    """Return where PgBouncer is; without it skip, and say so, but fail where everything has to be tested."""
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        missing = "PgBouncer is not installed, so nothing is known of the service behind it: apt-get install pgbouncer"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return found
