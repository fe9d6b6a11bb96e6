"""The service as a separate process that tests can signal and kill."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO

import httpx

from chat_sessions.dev.embedded.machine import free_port
from chat_sessions.settings import Settings
from tests import paced
from tests.service import NO_CERTIFICATES, Caller, token
from tests.shell import kill_family
from tests.waiting import LIMIT_SECONDS, until

# A busy machine starts a process slowly.
START_SECONDS = 180
# The service rejects more, unless it is paced.
MAX_REDIS_TIMEOUT = 0.5
SECRETS = ("database_url", "redis_url", "jwt_secret", "log_user_key")


@dataclass
class ServiceProcess:
    """A running `chat-sessions serve`."""

    process: asyncio.subprocess.Process
    url: str

    @asynccontextmanager
    async def caller(self, user: str = "ada") -> AsyncIterator[Caller]:
        headers = {"Authorization": f"Bearer {token(user)}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30, verify=NO_CERTIFICATES) as client:
            yield Caller(client)

    async def killed(self) -> None:
        """Kill it with all its children, in whatever state."""
        kill_family(self.process.pid)
        await self.process.wait()

    async def terminated(self) -> int:
        """Send SIGTERM, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), LIMIT_SECONDS)


def environment(settings: Settings) -> dict[str, str]:
    given = settings.model_dump(mode="json", exclude_defaults=True, exclude={*SECRETS, "webhook_secret"})
    for name in SECRETS:
        given[name] = getattr(settings, name).get_secret_value()
    given["webhook_secret"] = [secret.get_secret_value() for secret in settings.webhook_secret]
    given["redis_timeout"] = min(settings.redis_timeout, MAX_REDIS_TIMEOUT)
    texts = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in given.items()}
    return {f"CHAT_{name.upper()}": text for name, text in texts.items()}


@asynccontextmanager
async def serving(
    settings: Settings, *, port: int | None = None, workers: int = 1, output: IO[bytes] | None = None, **env: str
) -> AsyncIterator[ServiceProcess]:
    """Start the service and wait until it is ready; kill it at the end if it still runs."""
    port = port or free_port()
    options = ["--port", str(port), "--workers", str(workers)]
    command = [sys.executable, "-m", "tests.paced", "serve", *options]
    given = {**os.environ, **environment(settings), **paced.environment(settings), **env}
    process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output, env=given)
    service = ServiceProcess(process, f"http://127.0.0.1:{port}")
    try:
        async with service.caller() as caller:
            await until(lambda: _is_ready(caller), START_SECONDS)
        yield service
    finally:
        if process.returncode is None:
            await service.killed()


async def _is_ready(caller: Caller) -> bool:
    try:
        return await caller.is_fully_ready()
    except httpx.TransportError:
        return False
