"""The line to Redis: runs what the cache asks for, and knows whether the cache may be trusted."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext, suppress
from time import monotonic
from typing import Any

from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chat_sessions.cache.redis.locks import Locks
from chat_sessions.cache.redis.masters import Masters
from chat_sessions.cache.redis.server import RedisNode, ScriptName
from chat_sessions.cache.redis.trust import RedisAway, Trust
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.telemetry.spans import ScriptSpan

__all__ = ["RedisAway", "RedisLink", "Subscription"]


class RedisLink(Trust):
    """Distrusts the cache when any server fails. One answer that is late may be ours to blame: a ping decides."""

    def __init__(self, settings: Settings, metrics: Metrics, span: ScriptSpan = nullcontext) -> None:
        super().__init__(settings, metrics)
        self._span = span
        self._timeout = settings.redis_timeout
        self._masters = Masters(settings, self._lose)
        self._locks = Locks(self._run, self, metrics)
        self._doubt: asyncio.Task[None] | None = None

    def epoch(self, key: str) -> str:
        """Return which run of its server a key is in; what was cached under another one may be out of date."""
        node = self._masters.owner(key)
        return node.epoch if node else ""

    def vouches_for(self, key: str, epoch: str) -> bool:
        """Return whether the cache is trusted, and the server of the key still in the run that the epoch names."""
        return self.trusted and epoch == self.epoch(key)

    async def run(self, script: ScriptName, keys: Sequence[str], args: Iterable[str | bytes | int]) -> Any:  # noqa: ANN401
        """Run a script of `lua/` on keys of one user; raise RedisAway."""
        with self._span(script):
            return await self._run(script, keys, args)

    async def _run(self, script: ScriptName, keys: Sequence[str], args: Iterable[str | bytes | int]) -> Any:  # noqa: ANN401
        try:
            node = self._masters.owner(keys[0]) or await self._found(keys[0])
            answer = await node.run(script, keys, args)
            if isinstance(answer, MovedError):
                # It was not run. A reader takes no answer from a server in another epoch than it has asked under.
                node = await self._found(keys[0])
                answer = await node.run(script, keys, args)
            if isinstance(answer, RedisError):
                raise answer
        except RedisTimeoutError as error:
            self._failed(error)
            self._ping_once()
            raise RedisAway from error
        except RedisError as error:
            self._failed(error)
            self._lose(error)
            await self._look()
            raise RedisAway from error
        return answer

    async def ping(self) -> None:
        """Look who the masters are; raise RedisAway unless each answers, in the run in which it was."""
        asked_at = monotonic()
        with self._noticed():
            if not self._masters.all:
                await self._masters.look()
            checks = (node.check() for node in self._masters.all)
            await asyncio.gather(self._masters.look(), *checks)
        self._proved(asked_at)

    def _ping_once(self) -> None:
        if self._doubt is None or self._doubt.done():
            self._doubt = asyncio.create_task(self._ping_in_doubt())

    async def _ping_in_doubt(self) -> None:
        with suppress(RedisAway):
            await self.ping()

    async def facts(self) -> list[dict[str, Any]]:
        """Return what each master says of itself (INFO), or raise RedisAway."""
        with self._noticed():
            return await asyncio.gather(*(node.client.info() for node in self._masters.all))

    @property
    def unserved(self) -> int:
        """How many slots of the cluster nobody serves."""
        return self._masters.unserved

    async def keys(self, pattern: str) -> list[str]:
        """Return the keys that match, by a walk that never blocks a server for long; raise RedisAway."""
        with self._noticed():
            if not self._masters.all:
                await self._masters.look()
            found = await asyncio.gather(*(node.keys(pattern) for node in self._masters.all))
        return [key for each in found for key in each]

    async def unlink(self, *keys: str) -> None:
        """Remove keys of one user, or raise RedisAway."""
        with self._noticed():
            node = self._masters.owner(keys[0]) or await self._found(keys[0])
            await node.client.unlink(*keys)

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            self._failed(error)
            self._lose(error)
            raise RedisAway from error

    async def _found(self, key: str) -> RedisNode:
        await self._look()
        node = self._masters.owner(key)
        if node is None:
            raise RedisConnectionError("no server is known to serve this key")
        return node

    async def _look(self) -> None:
        """Find out who the masters are, for no longer than an answer may take: a caller waits."""
        with suppress(RedisError, TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._masters.look()

    @asynccontextmanager
    async def lock(self, name: str, *, ttl: float, wait: float) -> AsyncIterator[None]:
        """Hold a lock, or raise SessionBusy after `wait` seconds."""
        async with AsyncExitStack() as stack:
            with self._span("lock"):
                await stack.enter_async_context(self._locks.held(name, ttl=ttl, wait=wait))
            yield

    @asynccontextmanager
    async def subscription(self) -> AsyncIterator["Subscription"]:
        """Open a connection of its own that hears what is published; in a cluster every server hears of it."""
        if not self._masters.all:
            await self._look()
        nodes = self._masters.all
        if not nodes:
            raise RedisAway
        async with nodes[0].client.pubsub(ignore_subscribe_messages=True) as pubsub:
            yield Subscription(pubsub)

    async def close(self) -> None:
        """Close every connection."""
        if self._doubt is not None:
            await asyncio.wait([self._doubt])
        await self._masters.close()


class Subscription:
    """Hears the channels that it is told to; every method raises RedisAway when the line is broken."""

    def __init__(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub

    async def add(self, *channels: str) -> None:
        """Hear these as well."""
        with _translated():
            await self._pubsub.subscribe(*channels)

    async def remove(self, channel: str) -> None:
        """Do not hear this any more."""
        with _translated():
            await self._pubsub.unsubscribe(channel)

    async def next(self, wait: float) -> str | None:
        """Return the channel of the next message, or None after `wait` seconds without one."""
        with _translated():
            message = await self._pubsub.get_message(timeout=wait)
        return None if message is None else message["channel"].decode()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise RedisAway from error
