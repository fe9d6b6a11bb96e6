"""Which Redis servers take writes at present, and which of them serves a key."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
from redis.cluster import parse_cluster_slots
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from chat_sessions.cache.redis.server import RedisNode, limits
from chat_sessions.settings import Settings
from chat_sessions.settings.redis_address import Place, RedisAddress

# Who serves which slots.
Shards = Mapping[Place, Sequence[range]]
ALL_SLOTS = range(REDIS_CLUSTER_HASH_SLOTS)


class Masters:
    """One server, the master that the sentinels name, or the masters of a cluster.

    Not `RedisCluster`: it follows redirections and repeats commands by itself, on servers that nobody has asked yet
    which run they are in.
    """

    def __init__(self, settings: Settings, lose: Callable[[RedisError], None]) -> None:
        """`lose` is told why nothing that was known of the servers may be relied on."""
        self._settings = settings
        self._lose = lose
        self._address = RedisAddress.parse(settings.redis_url.get_secret_value())
        asked = self._address.sentinel_url if self._address.kind == "sentinel" else self._address.url
        self._seeds = [Redis.from_url(asked(place), **limits(settings)) for place in self._address.seeds]
        self._shards: Shards = {}
        self._nodes: dict[Place, RedisNode] = {}
        self._owners: Sequence[RedisNode | None] = [None]
        self._looking: asyncio.Task[None] | None = None
        if self._address.kind == "server":
            [place] = self._address.seeds
            self._install({place: [ALL_SLOTS]}, {place: self._node(place)})
        self._sentinels: Sentinel = cast("Any", Sentinel)(())
        self._sentinels.sentinels = self._seeds

    @property
    def all(self) -> Sequence[RedisNode]:
        """Every master that is known; first those that have answered when they were asked last."""
        return sorted(self._nodes.values(), key=lambda node: not node.answers)

    @property
    def unserved(self) -> int:
        """How many slots nobody is known to serve."""
        return len(ALL_SLOTS) - sum(len(slots) for theirs in self._shards.values() for slots in theirs)

    def owner(self, key: str) -> RedisNode | None:
        """Return the server of a key, if one is known."""
        return self._owners[0] if len(self._owners) == 1 else self._owners[key_slot(key.encode())]

    async def look(self) -> None:
        """Find out who the masters are; raise RedisError if nobody tells.

        Who comes while somebody looks, looks along.
        """
        if self._address.kind == "server":
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)

    async def close(self) -> None:
        """Close every connection."""
        if self._looking is not None:
            await asyncio.wait([self._looking])
        await asyncio.gather(*(seed.aclose() for seed in self._seeds))
        await _closed(self._nodes.values())

    async def _look(self) -> None:
        shards = await (self._of_the_sentinels() if self._address.kind == "sentinel" else self._of_the_cluster())
        before = self._nodes
        nodes = {place: before.get(place) or self._node(place) for place in shards}
        # Slots that come back may bring entries whose eviction was lost elsewhere: first the run is asked for.
        changed = [node for place, node in nodes.items() if shards[place] != self._shards.get(place)]
        doubt = await _doubt(changed)
        self._install(shards, nodes)
        if before and before.keys() != nodes.keys():
            doubt = RedisConnectionError("other servers are masters now")
        if doubt is not None:
            self._lose(doubt)
        await _closed(node for place, node in before.items() if place not in nodes)

    def _install(self, shards: Shards, nodes: dict[Place, RedisNode]) -> None:
        self._shards, self._nodes = shards, nodes
        if self._address.kind != "cluster":
            self._owners = list(nodes.values())
            return
        owners: list[RedisNode | None] = [None] * len(ALL_SLOTS)
        for place, theirs in shards.items():
            for slots in theirs:
                owners[slots.start : slots.stop] = [nodes[place]] * len(slots)
        self._owners = owners

    def _node(self, place: Place) -> RedisNode:
        return RedisNode(self._address.url(place), self._settings, in_cluster=self._address.kind == "cluster")

    async def _of_the_sentinels(self) -> Shards:
        host, port = await self._sentinels.discover_master(self._address.master)
        return {Place(host, port): [ALL_SLOTS]}

    async def _of_the_cluster(self) -> Shards:
        """Ask those first that answer: one that was away may still take itself for what it was before."""
        known = sorted(self._nodes.items(), key=lambda item: not item[1].answers)
        clients = [
            *((place, node.client) for place, node in known),
            *zip(self._address.seeds, self._seeds, strict=True),
        ]
        reason: object = "they know of no slots"
        for place, client in clients:
            try:
                answer = await cast("Any", client).execute_command("CLUSTER SLOTS")
            except RedisError as error:
                reason = error
            else:
                if answer:
                    return _shards(parse_cluster_slots(answer, current_host=place.host))
        raise RedisConnectionError(f"no server of the cluster says who serves what: {reason}")


def _shards(slots: Mapping[tuple[int, int], Mapping[str, Any]]) -> Shards:
    shards: dict[Place, list[range]] = {}
    for (first, last), servers in sorted(slots.items()):
        shards.setdefault(Place(*servers["primary"]), []).append(range(first, last + 1))
    return shards


async def _doubt(nodes: Iterable[RedisNode]) -> RedisError | None:
    doubt = None
    for result in await asyncio.gather(*(node.check() for node in nodes), return_exceptions=True):
        if isinstance(result, RedisError):
            doubt = result
        elif result is not None:
            raise result
    return doubt


async def _closed(nodes: Iterable[RedisNode]) -> None:
    await asyncio.gather(*(node.close() for node in nodes))
