"""Which Redis servers are masters, and which of them owns a key."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
from redis.cluster import parse_cluster_slots
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from chat_sessions.cache.redis.server import RedisServer, connection_options
from chat_sessions.settings import Settings
from chat_sessions.settings.redis_address import Endpoint, RedisAddress

# Which server owns which slots.
Shards = Mapping[Endpoint, Sequence[range]]
ALL_SLOTS = range(REDIS_CLUSTER_HASH_SLOTS)


class Masters:
    """One server, the master that the sentinels name, or the masters of a cluster.

    redis-py's `RedisCluster` would follow redirections and retry commands on servers whose run is unknown.
    """

    def __init__(self, settings: Settings, lose: Callable[[RedisError], None]) -> None:
        """`lose` is called with the reason when the masters have changed or one fails its check."""
        self._settings = settings
        self._lose = lose
        self._address = RedisAddress.parse(settings.redis_url.get_secret_value())
        url = self._address.sentinel_url if self._address.kind == "sentinel" else self._address.url
        options = connection_options(settings)
        self._seeds = [Redis.from_url(url(endpoint), **options) for endpoint in self._address.seeds]
        self._shards: Shards = {}
        self._servers: dict[Endpoint, RedisServer] = {}
        self._owners: Sequence[RedisServer | None] = [None]
        self._discovery: asyncio.Task[None] | None = None
        if self._address.kind == "server":
            [endpoint] = self._address.seeds
            self._install({endpoint: [ALL_SLOTS]}, {endpoint: self._server(endpoint)})
        self._sentinels: Sentinel = cast("Any", Sentinel)(())
        self._sentinels.sentinels = self._seeds

    @property
    def all(self) -> Sequence[RedisServer]:
        """The known masters; those that responded to their last call come first."""
        return sorted(self._servers.values(), key=lambda server: not server.responsive)

    @property
    def unserved(self) -> int:
        """The number of slots that no known server owns."""
        return len(ALL_SLOTS) - sum(len(slots) for theirs in self._shards.values() for slots in theirs)

    def owner(self, key: str) -> RedisServer | None:
        """Return the server that owns a key, if it is known."""
        return self._owners[0] if len(self._owners) == 1 else self._owners[key_slot(key.encode())]

    async def discover(self) -> None:
        """Find out which servers are masters; raise RedisError. Concurrent callers share one lookup."""
        if self._address.kind == "server":
            return
        if self._discovery is None or self._discovery.done():
            self._discovery = asyncio.create_task(self._discover())
        await asyncio.shield(self._discovery)

    async def close(self) -> None:
        """Close every connection."""
        if self._discovery is not None:
            await asyncio.wait([self._discovery])
        await asyncio.gather(*(seed.aclose() for seed in self._seeds))
        await _closed(self._servers.values())

    async def _discover(self) -> None:
        shards = await (self._from_sentinels() if self._address.kind == "sentinel" else self._from_cluster())
        before = self._servers
        servers = {endpoint: before.get(endpoint) or self._server(endpoint) for endpoint in shards}
        # Returning slots may bring back entries whose eviction was lost, so check each server's run first.
        changed = [server for endpoint, server in servers.items() if shards[endpoint] != self._shards.get(endpoint)]
        error = await _check(changed)
        self._install(shards, servers)
        if before and before.keys() != servers.keys():
            error = RedisConnectionError("the masters have changed")
        if error is not None:
            self._lose(error)
        await _closed(server for endpoint, server in before.items() if endpoint not in servers)

    def _install(self, shards: Shards, servers: dict[Endpoint, RedisServer]) -> None:
        self._shards, self._servers = shards, servers
        if self._address.kind != "cluster":
            self._owners = list(servers.values())
            return
        owners: list[RedisServer | None] = [None] * len(ALL_SLOTS)
        for endpoint, theirs in shards.items():
            for slots in theirs:
                owners[slots.start : slots.stop] = [servers[endpoint]] * len(slots)
        self._owners = owners

    def _server(self, endpoint: Endpoint) -> RedisServer:
        return RedisServer(self._address.url(endpoint), self._settings, in_cluster=self._address.kind == "cluster")

    async def _from_sentinels(self) -> Shards:
        host, port = await self._sentinels.discover_master(self._address.master)
        return {Endpoint(host, port): [ALL_SLOTS]}

    async def _from_cluster(self) -> Shards:
        """Query responsive servers first: one that was away may still report an old topology."""
        known = sorted(self._servers.items(), key=lambda item: not item[1].responsive)
        clients = [
            *((endpoint, server.client) for endpoint, server in known),
            *zip(self._address.seeds, self._seeds, strict=True),
        ]
        reason: object = "no server reports any slots"
        for endpoint, client in clients:
            try:
                slots = await cast("Any", client).execute_command("CLUSTER SLOTS")
            except RedisError as error:
                reason = error
            else:
                if slots:
                    return _shards(parse_cluster_slots(slots, current_host=endpoint.host))
        raise RedisConnectionError(f"no server of the cluster reports its slots: {reason}")


def _shards(slots: Mapping[tuple[int, int], Mapping[str, Any]]) -> Shards:
    shards: dict[Endpoint, list[range]] = {}
    for (first, last), servers in sorted(slots.items()):
        shards.setdefault(Endpoint(*servers["primary"]), []).append(range(first, last + 1))
    return shards


async def _check(servers: Iterable[RedisServer]) -> RedisError | None:
    """Check the servers, and return an error of one of them, if any."""
    found = None
    for result in await asyncio.gather(*(server.check() for server in servers), return_exceptions=True):
        if isinstance(result, RedisError):
            found = result
        elif result is not None:
            raise result
    return found


async def _closed(servers: Iterable[RedisServer]) -> None:
    await asyncio.gather(*(server.close() for server in servers))
