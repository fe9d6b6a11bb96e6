"""The PostgreSQL and Redis of `make dev` and of the tests: real servers from PyPI wheels.

Each is a child process with its own folder and port on 127.0.0.1, and exits with its parent, even after `kill -9`.
Start them from the main thread: Linux sends the parent-death signal when the starting *thread* exits. Without such a
signal, on other systems, `kill -9` leaves the servers running, and the next start reports it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chat_sessions.dev.embedded.machine import EmbeddedServerError, FolderInUse
from chat_sessions.dev.embedded.postgres import Postgres
from chat_sessions.dev.embedded.redis import Redis
from chat_sessions.dev.embedded.server import Server

__all__ = ["EmbeddedServerError", "FolderInUse", "Postgres", "Redis", "Server", "temporary_servers"]


@contextmanager
def temporary_servers() -> Iterator[tuple[Postgres, Redis]]:
    """Start both, empty and not durable, and delete their data afterwards."""
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        database = Postgres(Path(folder, "postgres"), durable=False)
        cache = Redis(Path(folder, "redis"), durable=False)
        with database, cache:
            yield database, cache
