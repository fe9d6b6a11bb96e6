"""Several Redis servers that stand in for each other: a cluster, and a master with a replica and sentinels."""

import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis as RedisClient
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ResponseError

from chat_sessions.cache import Keys
from chat_sessions.embedded import Redis
from chat_sessions.embedded.machine import free_port, write_private
from tests.waiting import until

MASTERS = 3
# Where these are in a line of CLUSTER NODES.
EPOCH, SLOTS = 6, 8
# Servers hear of each other within a second.
AGREE_SECONDS = 4
ATTEMPTS = 3
# How far above its port a server listens for the others of its cluster.
BUS = 10_000
FIRST_EPHEMERAL_PORT = 32_768
MASTER_NAME = "chats"
# So that a machine which is busy for a while makes nobody believe that somebody has died.
PATIENT_MS = "15000"


class Sentinel(Redis):
    """The same binary in its other role."""

    name = "Sentinel"

    def _prepare(self) -> None:
        # It keeps there what it has learnt.
        if not (self.home / "redis.conf").exists():
            super()._prepare()

    def _command(self) -> list[str]:
        return [*super()._command(), "--sentinel"]


class Member(Redis):
    """A server of a cluster; it listens for the others as well."""

    def __init__(self, home: Path, password: str) -> None:
        options = {"cluster-enabled": "yes", "cluster-node-timeout": PATIENT_MS, **replication(password)}
        super().__init__(home, durable=False, options=options)
        while not is_free(self.port + BUS):
            self.port = free_port()


def is_free(port: int) -> bool:
    """Look below the ephemeral ports, as `free_port` does."""
    with suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return port < FIRST_EPHEMERAL_PORT
    return False


@dataclass
class Servers:
    """Real servers with one password, and a look into each of them."""

    all: Sequence[Redis]
    clients: dict[Redis, RedisClient] = field(default_factory=dict)

    def __getitem__(self, server: Redis) -> RedisClient:
        return self.clients[server]

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

        async def is_in_step() -> bool:
            offset = (await self[master].info("replication"))["master_repl_offset"]
            for each in await self.roles("slave"):
                said = await self[each].info("replication")
                if said["master_port"] == master.port and said["master_link_status"] == "up":
                    found[:] = [each] if said["slave_repl_offset"] >= offset else []
            return bool(found)

        await until(is_in_step)
        return found[0]

    async def cut_off(self, replica: Redis) -> None:
        """Let it hear nothing of its master any more, neither now nor later."""
        await self[replica].config_set("masterauth", "wrong")
        await self[replica].execute_command("CLIENT", "KILL", "TYPE", "master")  # type: ignore[no-untyped-call]

    async def reconciled(self) -> None:
        """Start whoever is down, and let each replica hear its master again."""
        for server in self.all:
            if server.pid is None:
                server.start()
            await self[server].config_set("masterauth", server.password)

    async def keys(self, pattern: str) -> list[str]:
        masters = await self.roles("master")
        found = [key for each in masters async for key in self[each].scan_iter(pattern)]
        return sorted(key.decode() for key in found)


@asynccontextmanager
async def started(servers: Sequence[Redis], password: str) -> AsyncIterator[Servers]:
    """Start them with one password."""
    with ExitStack() as stack:
        for server in servers:
            write_private(server.home / "password", password)
            stack.enter_context(server)
        async with AsyncExitStack() as clients:
            looks = {each: RedisClient.from_url(each.url, retry=Retry(ConstantBackoff(0.02), 5)) for each in servers}
            for look in looks.values():
                await clients.enter_async_context(look)
            yield Servers(servers, looks)


@dataclass
class Guarded(Servers):
    """A master with a replica, and sentinels that watch them and ask for a password of their own."""

    sentinels: Sequence[Sentinel] = ()

    @property
    def url(self) -> str:
        """As an operator would write it."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        secret = self.sentinels[0].password
        return f"redis+sentinel://:{self.all[0].password}@{hosts}/{MASTER_NAME}?sentinel_password={secret}"

    async def promote(self, replica: Redis) -> None:
        """Let a sentinel make it the master, and wait until all of them say so."""
        async with RedisClient.from_url(self.sentinels[-1].url) as sentinel:

            async def is_begun() -> bool:
                with suppress(ResponseError):  # It has no good replica yet.
                    await sentinel.execute_command("SENTINEL", "FAILOVER", MASTER_NAME)  # type: ignore[no-untyped-call]
                    return True
                return False

            await until(is_begun)
        await until(lambda: self._all_name(replica))

    async def whole(self) -> None:
        """Wait until there are a master and a replica in step, and all sentinels know that."""
        for sentinel in self.sentinels:
            if sentinel.pid is None:
                sentinel.start()
        await self.reconciled()
        master = await self.master()
        for server in self.all:
            if server is not master:
                await self.demote(server, master)
        await self.replica_of(master)
        await until(lambda: self._all_name(master))

    async def master(self) -> Redis:
        """Return the one that the sentinels name."""
        port = (await self._said(self.sentinels[0]))["port"]
        return next(each for each in self.all if each.port == port)

    async def demote(self, server: Redis, master: Redis) -> None:
        """Make a server that was away, or was master, a replica. A sentinel would do so as well, after ten seconds."""
        await self[server].replicaof("127.0.0.1", master.port)

    async def _all_name(self, master: Redis) -> bool:
        wanted = {"port": master.port, "num-other-sentinels": len(self.sentinels) - 1, "num-slaves": 1}
        said = [await self._said(each) for each in self.sentinels if each.pid is not None]
        return all(wanted.items() <= each.items() for each in said)

    async def _said(self, sentinel: Sentinel) -> dict[str, Any]:
        async with RedisClient.from_url(sentinel.url) as client:
            return cast("dict[str, Any]", await client.sentinel_master(MASTER_NAME))


@asynccontextmanager
async def guarded() -> AsyncIterator[Guarded]:
    """Start them on free ports and wait until the sentinels know them, and each other."""
    password, secret = secrets.token_hex(16), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        master = Redis(Path(folder, "master"), durable=False, options=replication(password))
        follows = {**replication(password), "replicaof": f"127.0.0.1 {master.port}"}
        replica = Redis(Path(folder, "replica"), durable=False, options=follows)
        watch = {
            f"sentinel monitor {MASTER_NAME}": f"127.0.0.1 {master.port} 2",
            f"sentinel auth-pass {MASTER_NAME}": password,
            f"sentinel down-after-milliseconds {MASTER_NAME}": PATIENT_MS,
            "sentinel sentinel-pass": secret,
        }
        sentinels = [Sentinel(Path(folder, f"sentinel {number}"), options=watch) for number in range(3)]
        async with started([master, replica], password) as data, started(sentinels, secret):
            made = Guarded(data.all, data.clients, sentinels)
            await made.whole()
            yield made


@dataclass
class Cluster(Servers):
    """Three masters, each with a replica."""

    @property
    def url(self) -> str:
        """As an operator would write it: one of the servers that are named need not be there."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.all[:2])
        return f"redis+cluster://:{self.all[0].password}@{hosts}"

    async def master_of(self, user: str) -> Redis:
        """Return the server of a user's keys, as most servers see it."""
        slot = slot_of(user)
        for server in await self.roles("master"):
            for first, last, (_, port, *_), *_ in await self.ask(server, "SLOTS"):
                if first <= slot <= last and port == server.port:
                    return server
        raise LookupError(user)

    async def ask(self, server: Redis, *words: str | int) -> Any:  # noqa: ANN401
        return await self[server].execute_command("CLUSTER", *words)  # type: ignore[no-untyped-call]

    async def id_of(self, server: Redis) -> str:
        return str((await self.ask(server, "MYID")).decode())

    async def promote(self, replica: Redis) -> None:
        """Make it a master, at once and without asking anybody, and wait until all have heard of it."""
        await self.ask(replica, "FAILOVER", "TAKEOVER")
        other = next(each for each in await self.roles("master") if each is not replica)
        for _ in range(ATTEMPTS):
            with suppress(AssertionError):
                return await until(self._agree, AGREE_SECONDS)
            # It has taken an epoch that the old master had, which it had not heard: only a higher one is believed.
            await self.ask(other, "BUMPEPOCH")
            await self.ask(replica, "BUMPEPOCH")
        return await until(self._agree)

    async def whole(self) -> None:
        """Wait until there are three masters, each with a replica in step, and all agree."""
        await self.reconciled()

        async def has_all_roles() -> bool:
            masters, replicas = await self.roles("master"), await self.roles("slave")
            return len(masters) == len(replicas) == MASTERS

        await until(has_all_roles)
        await until(self._agree)
        for master in await self.roles("master"):
            await self.replica_of(master)

    async def _agree(self) -> bool:
        """Whether all see the same slots, and epochs: a replica that takes over believes to know the highest one.

        Two masters with the same one are still to settle which of them takes another.
        """
        views = set()
        for server in self.all:
            if server.pid is not None:
                state = (await self.ask(server, "INFO")).decode()
                nodes = [line.split() for line in (await self.ask(server, "NODES")).decode().splitlines()]
                owners = sorted((node[0], node[EPOCH], *node[SLOTS:]) for node in nodes if len(node) > SLOTS)
                views.add((state.split()[0], *owners))
                if len({owner[1] for owner in owners}) < len(owners):
                    return False
        return len(views) == 1 and next(iter(views))[0] == "cluster_state:ok"

    async def move(self, user: str, target: Redis) -> None:
        """Move the slot of a user's keys, as `redis-cli --cluster reshard` does."""
        slot, source = slot_of(user), await self.master_of(user)
        await self.ask(target, "SETSLOT", slot, "IMPORTING", await self.id_of(source))
        await self.ask(source, "SETSLOT", slot, "MIGRATING", await self.id_of(target))
        while keys := await self.ask(source, "GETKEYSINSLOT", slot, 100):
            await self[source].migrate("127.0.0.1", target.port, keys, 0, 5000, auth=target.password)
        for server in (target, source, *await self.roles("master")):
            await self.ask(server, "SETSLOT", slot, "NODE", await self.id_of(target))
        await until(self._agree)


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    """Start a cluster on free ports and wait until it works."""
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        servers = [Member(Path(folder, str(number)), password) for number in range(2 * MASTERS)]
        async with started(servers, password) as running:
            made = Cluster(running.all, running.clients)
            await _joined(made)
            yield made


async def _joined(cluster: Cluster) -> None:
    masters, replicas = cluster.all[:MASTERS], cluster.all[MASTERS:]
    size = REDIS_CLUSTER_HASH_SLOTS // MASTERS + 1
    for number, server in enumerate(cluster.all):
        await cluster.ask(server, "SET-CONFIG-EPOCH", number + 1)
        await cluster.ask(server, "MEET", "127.0.0.1", masters[0].port)
        if server in masters:
            slots = range(number * size, min((number + 1) * size, REDIS_CLUSTER_HASH_SLOTS))
            await cluster.ask(server, "ADDSLOTS", *slots)

    async def all_know_all() -> bool:
        known = [(await cluster.ask(each, "NODES")).decode() for each in cluster.all]
        return all(view.count("connected") == len(cluster.all) and "handshake" not in view for view in known)

    await until(all_know_all)
    for master, replica in zip(masters, replicas, strict=True):
        await cluster.ask(replica, "REPLICATE", await cluster.id_of(master))
    await cluster.whole()


def replication(password: str) -> dict[str, str]:
    return {"masterauth": password, "repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0"}


def slot_of(user: str) -> int:
    return key_slot(Keys(user).list.encode())


async def user_of(cluster: Cluster, master: Redis, name: str = "user") -> str:
    """Return the name of a user whose keys are at this master."""
    for number in range(1000):
        if await cluster.master_of(f"{name}{number}") is master:
            return f"{name}{number}"
    raise LookupError(master)
