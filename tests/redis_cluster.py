"""A Redis Cluster of real servers, in which nothing happens but what a test says."""

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
# How far above its port a server listens for the others of its cluster.
BUS = 10_000
FIRST_EPHEMERAL_PORT = 32_768
PLANS = {
    "cluster-enabled": "yes",
    "cluster-node-timeout": PATIENT_MS,
    # A test that takes one replica away does not get that of another master instead.
    "cluster-allow-replica-migration": "no",
}


class Member(Redis):
    """A server of a cluster; it listens for the others as well."""

    def __init__(self, home: Path, password: str) -> None:
        super().__init__(home, durable=False, options={**PLANS, **replication(password)})
        while self.port + BUS >= FIRST_EPHEMERAL_PORT or not is_free(self.port + BUS):
            self.port = free_port()
        self.id = secrets.token_hex(20)
        self.told = ""

    def _prepare(self) -> None:
        super()._prepare()
        # Servers that have never met take many seconds to agree on what each could have known from the beginning.
        nodes = self.data / "nodes.conf"
        if not nodes.exists():
            write_private(nodes, self.told)


class Line(NamedTuple):
    """What a server says of one of them in CLUSTER NODES."""

    id: str
    role: str
    master: str
    epoch: str
    slots: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Line":
        name, _, flags, master, _, _, epoch, _, *slots = text.split()
        role = "master" if "master" in flags else "replica"
        # That of a replica means nothing.
        return cls(name, role, master, epoch if role == "master" else "", tuple(slots))


class View(NamedTuple):
    """How a server sees its cluster."""

    state: str
    epoch: str
    lines: tuple[Line, ...]


@dataclass
class Cluster(Servers):
    """Three masters, each with a replica."""

    all: Sequence[Member]

    @property
    def url(self) -> str:
        """As an operator would write it: one of the servers that are named need not be there."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.all[:2])
        return f"redis+cluster://:{self.all[0].password}@{hosts}"

    @property
    def masters(self) -> Sequence[Member]:
        """Those that were made masters."""
        return self.all[:MASTERS]

    async def slots_of(self, master: Redis) -> set[int]:
        """Return the slots that it serves, as it says itself."""
        shards = await self.ask(master, "SLOTS")
        mine = [range(first, last + 1) for first, last, (_, port, *_), *_ in shards if port == master.port]
        return {slot for slots in mine for slot in slots}

    async def user_of(self, master: Redis, name: str = "user") -> str:
        """Return the name of a user whose keys are at this master."""
        slots = await self.slots_of(master)
        return next(f"{name}{number}" for number in range(1000) if slot_of(f"{name}{number}") in slots)

    async def ask(self, server: Redis, *words: str | int) -> Any:  # noqa: ANN401
        return await self[server].execute_command("CLUSTER", *words)  # type: ignore[no-untyped-call]

    async def promote(self, replica: Redis) -> None:
        """Make it a master, at once and without asking anybody, and wait until all have heard of it.

        It takes the epoch after the highest one that it knows. If others knew a higher one, nobody would believe it,
        or two masters would have the same one and settle that at a time of their own: so all agree first.
        """
        await self.agreed()
        await self.ask(replica, "FAILOVER", "TAKEOVER")
        await self.agreed()

    async def begun(self) -> None:
        """Let the masters take over from those that have started as such, which refuse everything for two seconds."""
        for master in self.masters:
            await self.agreed(working=False)
            await self.ask(master, "FAILOVER", "TAKEOVER")
        await self.agreed()
        await super().begun()

    async def agreed(self, *, working: bool = True) -> None:
        """Wait until all that run see the same, and let them talk: by themselves they would do so for seconds."""

        async def disagreement() -> list[View]:
            views = [await self._view(each) for each in self._running()]
            if _are_one(views) and all(each.state == "ok" or not working for each in views):
                return []
            await self._talk()
            return views

        await until_none(disagreement)

    async def _talk(self) -> None:
        """Let each tell each other one how it sees the cluster, which it does to whom it is to meet."""
        for server in self._running():
            for other in self._running():
                if other is not server:
                    await self.ask(server, "MEET", "127.0.0.1", other.port)

    async def _view(self, server: Redis) -> View:
        info = dict(line.split(":") for line in (await self.ask(server, "INFO")).decode().split())
        lines = [Line.parse(line) for line in (await self.ask(server, "NODES")).decode().splitlines()]
        running = {each.id for each in self._running()}
        # Of a server that is down matters only what nobody else serves, and none of those that are just met.
        known = sorted(line for line in lines if line.id in running or line.slots)
        return View(info["cluster_state"], info["cluster_current_epoch"], tuple(known))

    def _running(self) -> list[Member]:
        return [each for each in self.all if each.pid is not None]

    async def damage(self) -> list[str]:
        found = [f"{each.port} is down" for each in self.all if each.pid is None]
        for server in self._running():
            view = await self._view(server)
            if view != self._as_made():
                found.append(f"{server.port} sees {view}")
        for master, replica in zip(self.masters, self.all[MASTERS:], strict=True):
            found += [] if found else await self.lag(replica, master)
        return found

    def _as_made(self) -> View:
        lines = []
        for number, (master, replica) in enumerate(zip(self.masters, self.all[MASTERS:], strict=True)):
            lines.append(Line(master.id, "master", "-", str(MASTERS + number + 1), (_share(number),)))
            lines.append(Line(replica.id, "replica", master.id, "", ()))
        return View("ok", str(2 * MASTERS), tuple(sorted(lines)))

    async def move(self, user: str, source: Redis, target: Redis) -> None:
        """Move the slot of a user's keys, as `redis-cli --cluster reshard` does."""
        slot, origin, goal = slot_of(user), self._id_of(source), self._id_of(target)
        await self.agreed()
        await self.ask(target, "SETSLOT", slot, "IMPORTING", origin)
        await self.ask(source, "SETSLOT", slot, "MIGRATING", goal)
        while keys := await self.ask(source, "GETKEYSINSLOT", slot, 100):
            await self[source].migrate("127.0.0.1", target.port, keys, 0, 5000, auth=target.password)
        for server in (target, source, *await self.roles("master")):
            await self.ask(server, "SETSLOT", slot, "NODE", goal)
        await self.agreed()

    def _id_of(self, server: Redis) -> str:
        return next(each.id for each in self.all if each is server)


def _are_one(views: Sequence[View]) -> bool:
    """Whether they are the same, and no two masters have one epoch, of which one is still to take another."""
    epochs = [line.epoch for line in views[0].lines if line.slots]
    return len({(each.epoch, each.lines) for each in views}) == 1 and len(set(epochs)) == len(epochs)


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    """Start a cluster on free ports and wait until it works."""
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        members = [Member(Path(folder, str(number)), password) for number in range(2 * MASTERS)]
        for member in members:
            member.told = _told(members, member)
        async with started(members, password) as looks:
            made = Cluster(members, looks)
            await made.begun()
            yield made


def _told(members: Sequence[Member], myself: Member) -> str:
    """Return what a server is told of its cluster: the text of its nodes.conf."""
    lines = []
    for number, member in enumerate(members):
        role, master, epoch, slots = "slave", members[(number + MASTERS) % len(members)].id, 0, ""
        if number >= MASTERS:
            role, master, epoch, slots = "master", "-", number - MASTERS + 1, _share(number - MASTERS)
        flags = f"myself,{role}" if member is myself else role
        # Without a shard in common, a master that loses its slots to its replica would not become the replica of that.
        shard = members[number % MASTERS].id
        address = f"127.0.0.1:{member.port}@{member.port + BUS},,shard-id={shard}"
        lines.append(f"{member.id} {address} {flags} {master} 0 0 {epoch} connected {slots}")
    return "\n".join([*lines, f"vars currentEpoch {MASTERS} lastVoteEpoch 0\n"])


def _share(number: int) -> str:
    """Return the slots of the first, the second, the third master."""
    size = REDIS_CLUSTER_HASH_SLOTS // MASTERS + 1
    return f"{number * size}-{min((number + 1) * size, REDIS_CLUSTER_HASH_SLOTS) - 1}"


def slot_of(user: str) -> int:
    return key_slot(UserKeys(user).list.encode())
