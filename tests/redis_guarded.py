"""A Redis master with a replica, guarded by sentinels."""

import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from redis.exceptions import ResponseError

from chat_sessions.dev.embedded import Redis
from tests.redis_servers import PATIENT_MS, Servers, replication, started
from tests.waiting import until_none

MASTER_NAME = "chats"
SENTINELS = 3


class Sentinel(Redis):
    """The Redis binary in Sentinel mode."""

    name = "Sentinel"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.id = secrets.token_hex(20)

    def configure(
        self, master: Redis, replica: Redis, others: Sequence["Sentinel"], password: str, secret: str
    ) -> None:
        """Configure what it would discover within its first seconds."""
        about = f"{MASTER_NAME} 127.0.0.1"
        self._options = {
            "sentinel myid": self.id,
            f"sentinel monitor {MASTER_NAME}": f"127.0.0.1 {master.port} {SENTINELS // 2 + 1}",
            f"sentinel auth-pass {MASTER_NAME}": password,
            f"sentinel down-after-milliseconds {MASTER_NAME}": PATIENT_MS,
            "sentinel sentinel-pass": secret,
            f"sentinel known-replica {about}": str(replica.port),
            **{f"sentinel known-sentinel {about} {each.port}": each.id for each in others},
        }

    def _prepare(self) -> None:
        # Sentinel stores its state in this file.
        if not (self.home / "redis.conf").exists():
            super()._prepare()

    def _command(self) -> list[str]:
        return [*super()._command(), "--sentinel"]


@dataclass
class Guarded(Servers):
    """A master and its replica; the sentinels have a separate password."""

    sentinels: Sequence[Sentinel] = ()

    @property
    def url(self) -> str:
        """The URL as an operator would write it."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        secret = self.sentinels[0].password
        return f"redis+sentinel://:{self.all[0].password}@{hosts}/{MASTER_NAME}?sentinel_password={secret}"

    async def promote(self, replica: Redis) -> None:
        """Let a sentinel promote the replica, and wait until all sentinels agree."""

        async def refusal() -> list[str]:
            try:
                await self[self.sentinels[-1]].execute_command("SENTINEL", "FAILOVER", MASTER_NAME)  # type: ignore[no-untyped-call]
            except ResponseError as error:  # There is no good replica yet.
                return [str(error)]
            return []

        async def disagreements() -> list[str]:
            return await self._disagreements(replica)

        await until_none(refusal)
        await until_none(disagreements)

    @property
    def processes(self) -> Sequence[Redis]:
        return [*self.all, *self.sentinels]

    async def damage(self) -> list[str]:
        down = [f"{each.port} is down" for each in self.processes if each.pid is None]
        if down:
            return down
        master, replica = self.all
        if await self.roles("master") != [master]:
            return [f"{master.port} is not the only master"]
        return [*await self.lag(replica, master), *await self._disagreements(master)]

    async def demote(self, server: Redis, master: Redis) -> None:
        """Make a former master a replica. A sentinel would do so, but only after ten seconds."""
        await self[server].replicaof("127.0.0.1", master.port)

    async def _disagreements(self, master: Redis) -> list[str]:
        """Return what each sentinel gets wrong about this master."""
        wanted = {"port": master.port, "num-other-sentinels": SENTINELS - 1, "num-slaves": 1}
        running = [each for each in self.sentinels if each.pid is not None]
        views = {each.port: await self._master_info(each) for each in running}
        return [f"{port} reports {facts}" for port, facts in views.items() if not wanted.items() <= facts.items()]

    async def _master_info(self, sentinel: Sentinel) -> dict[str, Any]:
        return cast("dict[str, Any]", await self[sentinel].sentinel_master(MASTER_NAME))


@asynccontextmanager
async def guarded() -> AsyncIterator[Guarded]:
    """Start all servers on free ports and wait until they work."""
    password, secret = secrets.token_hex(16), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        master = Redis(Path(folder, "master"), durable=False, options=replication(password))
        follows = {**replication(password), "replicaof": f"127.0.0.1 {master.port}"}
        replica = Redis(Path(folder, "replica"), durable=False, options=follows)
        sentinels = [Sentinel(Path(folder, f"sentinel {number}")) for number in range(SENTINELS)]
        for each in sentinels:
            each.configure(master, replica, [other for other in sentinels if other is not each], password, secret)
        async with started([master, replica], password) as clients, started(sentinels, secret) as others:
            made = Guarded([master, replica], {**clients, **others}, sentinels)
            await made.wait_until_whole()
            yield made
