"""The PostgreSQL and the Redis of `make dev` and of the tests: real servers, from PyPI wheels.

Each is a child process that owns one folder and one port of 127.0.0.1, and ends with the process that
started it, however that one ends. Start them from the main thread: Linux takes the end of the starting
*thread* for the end of the parent. Elsewhere a `kill -9` of the parent leaves them running; the next
start says so.
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
    """Both, empty, quick rather than durable, and forgotten afterwards."""
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        database = Postgres(Path(folder, "postgres"), durable=False)
        cache = Redis(Path(folder, "redis"), durable=False)
        with database, cache:
            yield database, cache
