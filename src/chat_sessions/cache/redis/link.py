"""The link to Redis: runs scripts on the server that owns a key, and ends the lease on the cache when Redis fails."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext, suppress
from time import monotonic
from typing import Any

from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chat_sessions.cache.redis.commands import ScriptName, packed, packed_script
from chat_sessions.cache.redis.lease import Lease, RedisAway
from chat_sessions.cache.redis.masters import Masters
from chat_sessions.cache.redis.server import Call, RedisServer
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.telemetry.spans import RedisSpan

__all__ = ["RedisAway", "RedisLink", "ScriptName", "Subscription"]


class RedisLink:
    """Any error ends the lease. A timeout may be this worker's own fault, so a ping decides."""

    def __init__(self, settings: Settings, metrics: Metrics, span: RedisSpan = nullcontext) -> None:
        self.lease = Lease(settings, metrics)
        self._span = span
        self._timeout = settings.redis_timeout
        self._masters = Masters(settings, self.lease.lose)
        self._check: asyncio.Task[None] | None = None

    def epoch(self, key: str) -> str:
        """Return the run of the server that owns a key; entries cached under another run may be stale."""
        server = self._masters.owner(key)
        return server.epoch if server else ""

    def is_current(self, key: str, epoch: str) -> bool:
        """Return whether the lease is valid and the key's server is still in this run."""
        return self.lease.valid and epoch == self.epoch(key)

    async def run(self, script: ScriptName, keys: Sequence[str], args: Iterable[str | bytes | int]) -> Any:  # noqa: ANN401
        """Return the result of a script of `lua/` on keys of one user; raise RedisAway."""
        [result] = await self._call(keys[0], [packed_script(script, keys, args)], script)
        return result

    async def commands(self, *commands: Sequence[str]) -> list[Any]:
        """Return the results of commands, each with a key of the same user; raise RedisAway."""
        return await self._call(commands[0][1], [packed(*each) for each in commands])

    async def _call(self, key: str, call: Call, script: ScriptName | None = None) -> list[Any]:
        with self._span(script):
            try:
                return await self._run(key, call)
            except RedisTimeoutError as error:
                self.lease.note_failure(error)
                self._start_check()
                raise RedisAway from error
            except RedisError as error:
                self._fail(error)
                await self._discover()
                raise RedisAway from error

    async def _run(self, key: str, call: Call) -> list[Any]:
        server = await self._owner(key)
        results = await server.run(call)
        error = _first_error(results)
        if isinstance(error, MovedError):
            # No script has run. Readers compare epochs afterwards, so they use no entry of another server.
            server = await self._found(key)
            results = await server.run(call)
            error = _first_error(results)
        if error is not None:
            raise error
        return results

    async def ping(self) -> None:
        """Discover the masters and ping each; raise RedisAway if one fails or is in another run than before."""
        pinged_at = monotonic()
        with self._translated():
            if not self._masters.all:
                await self._masters.discover()
            checks = (server.check() for server in self._masters.all)
            await asyncio.gather(self._masters.discover(), *checks)
        self.lease.prove(pinged_at)

    def _start_check(self) -> None:
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self._checked())

    async def _checked(self) -> None:
        with suppress(RedisAway):
            await self.ping()

    async def info(self) -> list[dict[str, Any]]:
        """Return the INFO of each master; raise RedisAway."""
        with self._translated():
            return await asyncio.gather(*(server.client.info() for server in self._masters.all))

    @property
    def unserved(self) -> int:
        """The number of slots of the cluster that no server owns."""
        return self._masters.unserved

    async def keys(self, pattern: str) -> list[str]:
        """Return the keys that match, scanned in small steps; raise RedisAway."""
        with self._translated():
            if not self._masters.all:
                await self._masters.discover()
            found = await asyncio.gather(*(server.keys(pattern) for server in self._masters.all))
        return [key for each in found for key in each]

    async def unlink(self, *keys: str) -> None:
        """Remove keys of one user; raise RedisAway."""
        with self._translated():
            server = await self._owner(keys[0])
            await server.client.unlink(*keys)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            self._fail(error)
            raise RedisAway from error

    def _fail(self, error: RedisError) -> None:
        self.lease.note_failure(error)
        self.lease.lose(error)

    async def _owner(self, key: str) -> RedisServer:
        return self._masters.owner(key) or await self._found(key)

    async def _found(self, key: str) -> RedisServer:
        await self._discover()
        server = self._masters.owner(key)
        if server is None:
            raise RedisConnectionError("no server is known to own this key")
        return server

    async def _discover(self) -> None:
        """Discover the masters, within the timeout of a call: a caller is waiting."""
        with suppress(RedisError, TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._masters.discover()

    @asynccontextmanager
    async def subscription(self) -> AsyncIterator["Subscription"]:
        """Open a connection for subscriptions; in a cluster any server relays every message. Raise RedisAway."""
        if not self._masters.all:
            await self._discover()
        servers = self._masters.all
        if not servers:
            raise RedisAway
        async with aclosing(Subscription(servers[0].client.pubsub(ignore_subscribe_messages=True))) as subscription:
            yield subscription

    async def close(self) -> None:
        """Close every connection."""
        if self._check is not None:
            await asyncio.wait([self._check])
        await self._masters.close()


class Subscription:
    """The channels of one connection; every method raises RedisAway once it has broken or been closed."""

    def __init__(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub
        self._closed = False
        self._changing = asyncio.Lock()

    async def add(self, *channels: str) -> None:
        """Subscribe to channels."""
        async with self._change():
            await self._pubsub.subscribe(*channels)

    async def remove(self, channel: str) -> None:
        """Unsubscribe from a channel."""
        async with self._change():
            await self._pubsub.unsubscribe(channel)

    async def aclose(self) -> None:
        """Close the connection."""
        async with self._changing:
            self._closed = True
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[None]:
        async with self._changing:
            if self._closed:
                # redis-py would open another connection, which nobody would close.
                raise RedisAway
            with _redis_away():
                yield

    async def next(self, wait: float) -> str | None:
        """Return the channel of the next message, or None after `wait` seconds without one."""
        with _redis_away():
            message = await self._pubsub.get_message(timeout=wait)
        return None if message is None else message["channel"].decode()


def _first_error(results: Iterable[object]) -> RedisError | None:
    for result in results:
        if isinstance(result, RedisError):
            return result
    return None


@contextmanager
def _redis_away() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise RedisAway from error
