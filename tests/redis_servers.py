"""Redis servers that fail over: what a cluster and a Sentinel set-up have in common."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis as RedisClient
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from chat_sessions.dev.embedded import Redis
from chat_sessions.dev.embedded.machine import write_private
from tests.waiting import until_none

# A slow server on a busy machine must not be declared dead: only the tests take servers away.
PATIENT_MS = "60000"


@dataclass
class Servers(ABC):
    """Real servers with one password, and a client for each of them."""

    all: Sequence[Redis]
    clients: dict[Redis, RedisClient] = field(default_factory=dict)

    def __getitem__(self, server: Redis) -> RedisClient:
        return self.clients[server]

    @property
    def processes(self) -> Sequence[Redis]:
        """Every process that a test may stop."""
        return self.all

    @abstractmethod
    async def damage(self) -> list[str]:
        """Return how the servers differ from their initial state."""

    async def restore(self) -> None:
        """Reset the servers if an earlier test has changed them."""
        if await self.damage():
            reset(self.processes)
            await self.wait_until_whole()

    async def wait_until_whole(self) -> None:
        """Wait until the started servers are in their initial state."""
        await until_none(self.damage)

    async def roles(self, role: str) -> list[Redis]:
        """Return the running servers that report this role."""
        return [each for each in self.all if await self._role(each) == role]

    async def _role(self, server: Redis) -> str | None:
        if server.pid is None:
            return None
        return (await self[server].execute_command("ROLE"))[0].decode()  # type: ignore[no-any-return,no-untyped-call]

    async def replica_of(self, master: Redis) -> Redis:
        """Return the master's replica, once it has caught up."""
        found: list[Redis] = []

        async def behind() -> list[str]:
            replicas = await self.roles("slave")
            lags = {each: await self.lag(each, master) for each in replicas}
            found[:] = [each for each in replicas if not lags[each]]
            return [] if found else [f"{each.port}: {lag}" for each, lag in lags.items()] or ["no replica"]

        await until_none(behind)
        return found[0]

    async def lag(self, replica: Redis, master: Redis) -> list[str]:
        """Return how a replica lags behind its master."""
        wanted = (await self[master].info("replication"))["master_repl_offset"]
        state = await self[replica].info("replication")
        follows, link, offset = (state.get(each) for each in ("master_port", "master_link_status", "slave_repl_offset"))
        if follows == master.port and link == "up" and offset >= wanted:
            return []
        return [f"follows {follows}, link {link}, has {offset} of the {wanted} of {master.port}"]

    async def cut_off(self, replica: Redis) -> None:
        """Stop replication to the replica for good."""
        await self[replica].config_set("masterauth", "wrong")
        await self[replica].execute_command("CLIENT", "KILL", "TYPE", "master")  # type: ignore[no-untyped-call]

    async def keys(self, pattern: str) -> list[str]:
        masters = await self.roles("master")
        found = [key for each in masters async for key in self[each].scan_iter(pattern)]
        return sorted(key.decode() for key in found)

    async def forget(self, pattern: str) -> None:
        for master in await self.roles("master"):
            async for key in self[master].scan_iter(pattern):
                await self[master].unlink(key)

    async def emptied(self) -> None:
        for master in await self.roles("master"):
            await self[master].flushall()

    async def keys_without_ttl(self) -> list[bytes]:
        """Return the keys without a TTL."""
        masters = await self.roles("master")
        return [key for each in masters async for key in self[each].scan_iter() if await self[each].ttl(key) == -1]


@asynccontextmanager
async def started(servers: Sequence[Redis], password: str) -> AsyncIterator[dict[Redis, RedisClient]]:
    """Start the servers with one password, and connect a client to each."""
    with ExitStack() as stack:
        for server in servers:
            write_private(server.home / "password", password)
            stack.enter_context(server)
        async with AsyncExitStack() as clients:
            opened = {each: RedisClient.from_url(each.url, retry=Retry(ConstantBackoff(0.02), 5)) for each in servers}
            for client in opened.values():
                await clients.enter_async_context(client)
            yield opened


def reset(servers: Sequence[Redis]) -> None:
    """Restart the servers with no data but their configuration."""
    for server in servers:
        server.kill()
        shutil.rmtree(server.data)
        (server.home / "redis.conf").unlink()
    for server in servers:
        server.start()


def replication(password: str) -> dict[str, str]:
    return {"masterauth": password, "repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0"}
