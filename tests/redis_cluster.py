"""A real Redis Cluster that changes only when a test says so."""

import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from chat_sessions.cache.keys import UserKeys
from chat_sessions.dev.embedded import Redis
from chat_sessions.dev.embedded.machine import free_port, is_free, write_private
from tests.redis_servers import PATIENT_MS, Servers, replication, started
from tests.waiting import until_none

MASTERS = 3
# Offset of the cluster bus port from the client port.
BUS = 10_000
FIRST_EPHEMERAL_PORT = 32_768
OPTIONS = {
    "cluster-enabled": "yes",
    "cluster-node-timeout": PATIENT_MS,
    # A master whose replica a test stops must not get another master's replica.
    "cluster-allow-replica-migration": "no",
}


class Member(Redis):
    """A cluster node; it also listens on the bus port."""

    def __init__(self, home: Path, password: str) -> None:
        super().__init__(home, durable=False, options={**OPTIONS, **replication(password)})
        while self.port + BUS >= FIRST_EPHEMERAL_PORT or not is_free(self.port + BUS):
            self.port = free_port()
        self.id = secrets.token_hex(20)
        self.nodes_conf = ""

    def _prepare(self) -> None:
        super()._prepare()
        # Without it, nodes that have never met take many seconds to agree.
        nodes = self.data / "nodes.conf"
        if not nodes.exists():
            write_private(nodes, self.nodes_conf)


class NodeLine(NamedTuple):
    """A node as a server describes it in CLUSTER NODES."""

    id: str
    role: str
    master: str
    epoch: str
    slots: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "NodeLine":
        name, _, flags, master, _, _, epoch, _, *slots = text.split()
        role = "master" if "master" in flags else "replica"
        # A replica's epoch means nothing.
        return cls(name, role, master, epoch if role == "master" else "", tuple(slots))


class View(NamedTuple):
    """The cluster as one server sees it."""

    state: str
    epoch: str
    lines: tuple[NodeLine, ...]


@dataclass
class Cluster(Servers):
    """Three masters, each with a replica."""

    all: Sequence[Member]

    @property
    def url(self) -> str:
        """The URL as an operator would write it; it names two servers, so one may be down."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.all[:2])
        return f"redis+cluster://:{self.all[0].password}@{hosts}"

    @property
    def masters(self) -> Sequence[Member]:
        """The nodes that started as masters."""
        return self.all[:MASTERS]

    async def slots_of(self, master: Redis) -> set[int]:
        """Return the slots that the master claims to serve."""
        shards = await self.command(master, "SLOTS")
        mine = [range(first, last + 1) for first, last, (_, port, *_), *_ in shards if port == master.port]
        return {slot for slots in mine for slot in slots}

    async def user_of(self, master: Redis, name: str = "user") -> str:
        """Return the name of a user whose keys live on this master."""
        slots = await self.slots_of(master)
        return next(f"{name}{number}" for number in range(1000) if slot_of(f"{name}{number}") in slots)

    async def command(self, server: Redis, *words: str | int) -> Any:  # noqa: ANN401
        return await self[server].execute_command("CLUSTER", *words)  # type: ignore[no-untyped-call]

    async def promote(self, replica: Redis) -> None:
        """Make a replica the master at once, without an election, and wait until all nodes know.

        It takes the next epoch after the highest it knows. If others knew a higher one they would ignore it, and if two
        masters shared an epoch they would settle that later. So all nodes must agree first.
        """
        await self.agree()
        await self.command(replica, "FAILOVER", "TAKEOVER")
        await self.agree()

    async def wait_until_whole(self) -> None:
        """Let the masters take over explicitly: nodes that start as masters refuse commands for two seconds."""
        for master in self.masters:
            await self.agree(working=False)
            await self.command(master, "FAILOVER", "TAKEOVER")
        await self.agree()
        await super().wait_until_whole()

    async def agree(self, *, working: bool = True) -> None:
        """Wait until all running nodes agree, and make them gossip: on their own they take seconds."""

        async def disagreement() -> list[View]:
            views = [await self._view(each) for each in self._running()]
            if _agree(views) and all(each.state == "ok" or not working for each in views):
                return []
            await self._gossip()
            return views

        await until_none(disagreement)

    async def _gossip(self) -> None:
        """Send MEET between all pairs: a node sends its view of the cluster to a node that it meets."""
        for server in self._running():
            for other in self._running():
                if other is not server:
                    await self.command(server, "MEET", "127.0.0.1", other.port)

    async def _view(self, server: Redis) -> View:
        info = dict(line.split(":") for line in (await self.command(server, "INFO")).decode().split())
        lines = [NodeLine.parse(line) for line in (await self.command(server, "NODES")).decode().splitlines()]
        running = {each.id for each in self._running()}
        # Ignore stopped nodes whose slots others serve, and nodes that have only just been met.
        known = sorted(line for line in lines if line.id in running or line.slots)
        return View(info["cluster_state"], info["cluster_current_epoch"], tuple(known))

    def _running(self) -> list[Member]:
        return [each for each in self.all if each.pid is not None]

    async def damage(self) -> list[str]:
        found = [f"{each.port} is down" for each in self.all if each.pid is None]
        for server in self._running():
            view = await self._view(server)
            if view != self._initial_view():
                found.append(f"{server.port} sees {view}")
        for master, replica in zip(self.masters, self.all[MASTERS:], strict=True):
            found += [] if found else await self.lag(replica, master)
        return found

    def _initial_view(self) -> View:
        lines = []
        for number, (master, replica) in enumerate(zip(self.masters, self.all[MASTERS:], strict=True)):
            lines.append(NodeLine(master.id, "master", "-", str(MASTERS + number + 1), (_slot_range(number),)))
            lines.append(NodeLine(replica.id, "replica", master.id, "", ()))
        return View("ok", str(2 * MASTERS), tuple(sorted(lines)))

    async def move(self, user: str, source: Redis, target: Redis) -> None:
        """Move the slot of a user's keys, as `redis-cli --cluster reshard` does."""
        slot, origin, goal = slot_of(user), self._id_of(source), self._id_of(target)
        await self.agree()
        await self.command(target, "SETSLOT", slot, "IMPORTING", origin)
        await self.command(source, "SETSLOT", slot, "MIGRATING", goal)
        while keys := await self.command(source, "GETKEYSINSLOT", slot, 100):
            await self[source].migrate("127.0.0.1", target.port, keys, 0, 5000, auth=target.password)
        for server in (target, source, *await self.roles("master")):
            await self.command(server, "SETSLOT", slot, "NODE", goal)
        await self.agree()

    def _id_of(self, server: Redis) -> str:
        return next(each.id for each in self.all if each is server)


def _agree(views: Sequence[View]) -> bool:
    """Return whether all views are equal and no two masters share an epoch, which would still change."""
    epochs = [line.epoch for line in views[0].lines if line.slots]
    return len({(each.epoch, each.lines) for each in views}) == 1 and len(set(epochs)) == len(epochs)


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    """Start a cluster on free ports and wait until it works."""
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        members = [Member(Path(folder, str(number)), password) for number in range(2 * MASTERS)]
        for member in members:
            member.nodes_conf = _nodes_conf(members, member)
        async with started(members, password) as clients:
            made = Cluster(members, clients)
            await made.wait_until_whole()
            yield made


def _nodes_conf(members: Sequence[Member], myself: Member) -> str:
    """Return the nodes.conf of a member, which describes the whole cluster."""
    lines = []
    for number, member in enumerate(members):
        role, master, epoch, slots = "slave", members[(number + MASTERS) % len(members)].id, 0, ""
        if number >= MASTERS:
            role, master, epoch, slots = "master", "-", number - MASTERS + 1, _slot_range(number - MASTERS)
        flags = f"myself,{role}" if member is myself else role
        # Without a shared shard id, a master that loses its slots to its replica would not become a replica of it.
        shard = members[number % MASTERS].id
        address = f"127.0.0.1:{member.port}@{member.port + BUS},,shard-id={shard}"
        lines.append(f"{member.id} {address} {flags} {master} 0 0 {epoch} connected {slots}")
    return "\n".join([*lines, f"vars currentEpoch {MASTERS} lastVoteEpoch 0\n"])


def _slot_range(number: int) -> str:
    """Return the slot range of the master with this number."""
    size = REDIS_CLUSTER_HASH_SLOTS // MASTERS + 1
    return f"{number * size}-{min((number + 1) * size, REDIS_CLUSTER_HASH_SLOTS) - 1}"


def slot_of(user: str) -> int:
    return key_slot(UserKeys(user).list.encode())
