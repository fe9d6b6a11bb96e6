"""Redis servers that stand in for each other: what is the same in a cluster and behind Sentinel."""

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

# So that a machine which is busy for a while makes nobody believe that somebody has died: only tests say who has.
PATIENT_MS = "60000"


@dataclass
class Servers(ABC):
    """Real servers with one password, and a look into each of them."""

    all: Sequence[Redis]
    clients: dict[Redis, RedisClient] = field(default_factory=dict)

    def __getitem__(self, server: Redis) -> RedisClient:
        return self.clients[server]

    @property
    def processes(self) -> Sequence[Redis]:
        """All that a test can harm."""
        return self.all

    @abstractmethod
    async def damage(self) -> list[str]:
        """Say in what they are not as they were made."""

    async def whole(self) -> None:
        """Make them anew, unless they are as they were made: no test begins with what another has left behind."""
        if await self.damage():
            anew(self.processes)
            await self.begun()

    async def begun(self) -> None:
        """Wait, once they run, until they are as they are to be."""
        await until_none(self.damage)

    async def roles(self, role: str) -> list[Redis]:
        """Return those that answer, and say of themselves that they are this."""
        return [each for each in self.all if await self._role(each) == role]

    async def _role(self, server: Redis) -> str | None:
        if server.pid is None:
            return None
        return (await self[server].execute_command("ROLE"))[0].decode()  # type: ignore[no-any-return,no-untyped-call]

    async def replica_of(self, master: Redis) -> Redis:
        """Return its replica, once that has all that the master has."""
        found: list[Redis] = []

        async def behind() -> list[str]:
            replicas = await self.roles("slave")
            lags = {each: await self.lag(each, master) for each in replicas}
            found[:] = [each for each in replicas if not lags[each]]
            return [] if found else [f"{each.port}: {lag}" for each, lag in lags.items()] or ["no replica"]

        await until_none(behind)
        return found[0]

    async def lag(self, replica: Redis, master: Redis) -> list[str]:
        """Say what a replica lacks of its master."""
        wanted = (await self[master].info("replication"))["master_repl_offset"]
        said = await self[replica].info("replication")
        follows, link, offset = (said.get(each) for each in ("master_port", "master_link_status", "slave_repl_offset"))
        if follows == master.port and link == "up" and offset >= wanted:
            return []
        return [f"follows {follows}, link {link}, has {offset} of the {wanted} of {master.port}"]

    async def cut_off(self, replica: Redis) -> None:
        """Let it hear nothing of its master any more, neither now nor later."""
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

    async def immortal(self) -> list[bytes]:
        """Return the keys without a TTL."""
        masters = await self.roles("master")
        return [key for each in masters async for key in self[each].scan_iter() if await self[each].ttl(key) == -1]


@asynccontextmanager
async def started(servers: Sequence[Redis], password: str) -> AsyncIterator[dict[Redis, RedisClient]]:
    """Start them with one password, and look into each."""
    with ExitStack() as stack:
        for server in servers:
            write_private(server.home / "password", password)
            stack.enter_context(server)
        async with AsyncExitStack() as clients:
            looks = {each: RedisClient.from_url(each.url, retry=Retry(ConstantBackoff(0.02), 5)) for each in servers}
            for look in looks.values():
                await clients.enter_async_context(look)
            yield looks


def anew(servers: Sequence[Redis]) -> None:
    """Let them begin with nothing but what they are told."""
    for server in servers:
        server.kill()
        shutil.rmtree(server.data)
        (server.home / "redis.conf").unlink()
    for server in servers:
        server.start()


def replication(password: str) -> dict[str, str]:
    return {"masterauth": password, "repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0"}
