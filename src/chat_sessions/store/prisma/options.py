"""The options of the query engine."""

from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any, Self

from chat_sessions.settings import Settings
from chat_sessions.store.prisma.node import ENGINE_DIR, launch


def _default(name: str) -> Any:  # noqa: ANN401  a number
    return Settings.model_fields[f"database_{name}"].default


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the engine connects to Postgres. Times are in seconds."""

    database_url: str = field(repr=False)
    # Connections per worker. Multiplied by the number of workers it must stay below max_connections.
    pool_size: int = _default("pool_size")
    # The wait for a free connection: shorter than a user's patience, so that they see the 503.
    pool_timeout: float = _default("pool_timeout")
    # The wait for a new connection. A reachable server takes milliseconds.
    connect_timeout: float = _default("connect_timeout")
    # Postgres cancels slower statements. Our slowest takes milliseconds, unless it waits for a lock.
    statement_timeout: float = _default("statement_timeout")
    # Postgres rolls back a transaction that is idle for longer: its worker hangs, or its host is down.
    idle_timeout: float = 10.0
    # For a call with all its statements: longer than pool_timeout and statement_timeout together.
    query_timeout: float = _default("query_timeout")
    # Calls waiting at the same time. The engine executes that many in about a second.
    max_calls: int = 2000
    folder: Path = ENGINE_DIR

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the options given by the settings."""
        return cls(
            database_url=settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
            pool_timeout=settings.database_pool_timeout,
            connect_timeout=settings.database_connect_timeout,
            statement_timeout=settings.database_statement_timeout,
            query_timeout=settings.database_query_timeout,
        )

    def launch(self, *, report_statements: bool) -> Popen[bytes]:
        """Start an engine, or raise OSError."""
        return launch(self.folder / "host.mjs", self._for_host(report_statements=report_statements))

    def _for_host(self, *, report_statements: bool) -> dict[str, object]:
        """Return the configuration of host.mjs, its first line of input."""
        return {
            "url": self.database_url,
            "poolSize": self.pool_size,
            "poolTimeout": _milliseconds(self.pool_timeout),
            "connectTimeout": _milliseconds(self.connect_timeout),
            "statementTimeout": _milliseconds(self.statement_timeout),
            "idleTimeout": _milliseconds(self.idle_timeout),
            "callTimeout": _milliseconds(self.query_timeout),
            "reportStatements": report_statements,
        }


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
