"""Two services on one Postgres and one Redis, each with its own URL."""

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from benchmarks.processes import ROOT, Running, service
from benchmarks.soak.calls import no_certificates
from chat_sessions.dev.embedded import Postgres, Redis
from chat_sessions.store.migrations import migrate_deploy
from chat_sessions.web.auth.tokens import mint_token

SESSIONS = "/api/chat/sessions"
REDIS_MEGABYTES = 256
DAY = 86_400
# Long enough for the largest deletion.
TIMEOUT_SECONDS = 600
# Enabled but never reached, to include its cost.
RATE_LIMIT = {"CHAT_RATE_LIMIT": "1000000", "CHAT_RATE_BURST": "100000"}
REDIS_OPTIONS = {
    "maxmemory": f"{REDIS_MEGABYTES}mb",
    "maxmemory-policy": "noeviction",
    # Rewriting the append-only file would add load.
    "appendonly": "no",
}


@dataclass(frozen=True)
class Deployment:
    """The servers of a scenario."""

    database: Postgres
    redis: Redis
    services: Sequence[Running]
    environment: Mapping[str, str]

    def token(self, user: str) -> str:
        """Return a token of a user."""
        return mint_token(self.environment["CHAT_JWT_SECRET"], user, ttl=DAY)

    @asynccontextmanager
    async def clients(self, user: str) -> AsyncIterator[Sequence[httpx.AsyncClient]]:
        """Open one user's clients, one for each service."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        limits = httpx.Limits(max_connections=None)
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(
                    httpx.AsyncClient(
                        base_url=each.url,
                        headers=headers,
                        limits=limits,
                        timeout=TIMEOUT_SECONDS,
                        verify=no_certificates(),
                    )
                )
                for each in self.services
            ]

    @asynccontextmanager
    async def sql(self) -> AsyncIterator[asyncpg.Connection]:
        """Open a direct connection to the database."""
        connection = await asyncpg.connect(self.database.url)
        try:
            yield connection
        finally:
            await connection.close()

    async def command(self, *arguments: str) -> int:
        """Run an operator command and return its exit code."""
        program = Path(sys.executable).parent / "chat-sessions"
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
        )
        return await process.wait()


@contextmanager
def deploy() -> Iterator[Deployment]:
    """Start everything, empty."""
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder, ExitStack() as stack:
        database = stack.enter_context(Postgres(Path(folder, "postgres"), durable=False))
        redis = stack.enter_context(Redis(Path(folder, "redis"), durable=False, options=REDIS_OPTIONS))
        migrate_deploy(database.url)
        environment = {
            "CHAT_DATABASE_URL": database.url,
            "CHAT_REDIS_URL": redis.url,
            "CHAT_JWT_SECRET": secrets.token_hex(32),
            "CHAT_LOG_LEVEL": "warning",
            "CHAT_DRAIN_SECONDS": "0",
            **RATE_LIMIT,
        }
        services = [stack.enter_context(service(f"pressure-{number}", environment)) for number in (1, 2)]
        yield Deployment(database, redis, services, environment)
