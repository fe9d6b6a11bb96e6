"""One Redis server: its connections, and the run they belong to."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig
from typing_extensions import override

from chat_sessions.cache.redis import commands
from chat_sessions.cache.redis.batcher import Batcher, Bounds
from chat_sessions.cache.redis.punctuality import within
from chat_sessions.settings import Settings

T = TypeVar("T")
# Packed commands, sent without others between them.
Call = Sequence[bytes]
# Keep each round trip within its timeout, and one user's megabytes from delaying the others.
MAX_CALLS_AT_ONCE = 64
MAX_BYTES_AT_ONCE = 1024 * 1024
# Connections that scripts leave free, so that pings, subscriptions and discovery never wait for them.
SPARE_CONNECTIONS = 4
# redis-py's own timeout, as a multiple of ours.
BACKSTOP = 40
KEYS_PER_SCAN = 1000
IDENTIFY = (("INFO", "server"), ("INFO", "replication"))
IDENTIFY_IN_CLUSTER = (*IDENTIFY, ("CLUSTER", "INFO"))
# The process, the history of its data (new after each promotion), and in a cluster that of its slots.
RUN = ("run_id", "master_replid", "cluster_my_epoch")


def connection_options(settings: Settings) -> dict[str, Any]:
    """Return the options of every connection to any server."""
    return {
        "socket_timeout": settings.redis_timeout,
        "socket_connect_timeout": settings.redis_timeout,
        # Reconnecting may lead to another server, or to one with old data: no silent retry.
        "retry": Retry(NoBackoff(), 0),
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


class _Guarded(AbstractConnection):
    """A connection that another task may close just before a send, for which redis-py has no error."""

    @override
    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        if not self.is_connected:
            raise RedisConnectionError("the connection has been closed")
        await super()._send_packed_command(command)


class RedisServer:
    """A master. `epoch` identifies its current run; what was cached under another may be stale."""

    def __init__(self, url: str, settings: Settings, *, in_cluster: bool) -> None:
        self.epoch = ""
        self._timeout = settings.redis_timeout
        self.responsive = True
        connections = settings.redis_pool_size - SPARE_CONNECTIONS
        self.client = Redis.from_pool(self._pool(url, settings, SPARE_CONNECTIONS, BACKSTOP * settings.redis_timeout))
        # No timeout of its own: redis-py would start one for each response of a batch.
        self._connections: Any = self._pool(url, settings, connections, socket_timeout=None)
        self._opened: list[AbstractConnection] = []
        self._idle: list[AbstractConnection] = []
        self._identify = IDENTIFY_IN_CLUSTER if in_cluster else IDENTIFY
        bounds = Bounds(MAX_CALLS_AT_ONCE, MAX_BYTES_AT_ONCE, connections)
        self._calls = Batcher[Call, list[Any]](self._run_all, bounds, weigh=_bytes)
        self._closed = False

    def _pool(
        self, url: str, settings: Settings, connections: int, socket_timeout: float | None
    ) -> BlockingConnectionPool:
        """Leave the timeout to `within`: redis-py's own would blame the server for a busy event loop."""
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=settings.redis_timeout,
            redis_connect_func=self._on_connect,
            **connection_options(settings)
            | {"socket_timeout": socket_timeout, "socket_connect_timeout": BACKSTOP * settings.redis_timeout},
        )
        # Derived here, because the URL decides on the class: plain, TLS or Unix socket.
        pool.connection_class = type("Connection", (_Guarded, pool.connection_class), {})
        return pool

    async def run(self, call: Call) -> list[Any]:
        """Return the results of a call, errors among them; concurrent calls share a round trip."""
        return await self._calls.call(call)

    async def _run_all(self, calls: Sequence[Call]) -> list[list[Any]]:
        try:
            results = await self._punctual(self._send(calls))
            unknown = [number for number, [result, *_] in enumerate(results) if isinstance(result, NoScriptError)]
            if unknown:
                await self._punctual(self._load())
                again = await self._punctual(self._send([calls[each] for each in unknown]))
                for number, result in zip(unknown, again, strict=True):
                    results[number] = result
        except RedisError as error:
            self.responsive = False
            return [[error] for _ in calls]
        return results

    async def _send(self, calls: Sequence[Call]) -> list[list[Any]]:
        """Send calls in one write, and return their results.

        Taking connections from the pool would cost 30 µs; the batcher never needs more than there are.
        """
        if not self._idle:
            self._idle.append(self._connections.make_connection())
            self._opened.append(self._idle[-1])
        connection = self._idle.pop()
        try:
            await self._connections.ensure_connection(connection)
            await connection.send_packed_command([command for call in calls for command in call])
            return [[await _response(connection) for _ in call] for call in calls]
        except BaseException:
            # Unread responses would be taken for those of a later command.
            await connection.disconnect(nowait=True)
            raise
        finally:
            self._idle.append(connection)

    async def _load(self) -> None:
        for text in commands.scripts():
            await self.client.script_load(text)

    async def _punctual(self, call: Awaitable[T]) -> T:
        try:
            return await within(self._timeout, call)
        except TimeoutError as error:
            raise RedisTimeoutError("no response in time") from error

    async def check(self) -> None:
        """Raise RedisError unless it responds, is a master, and is in the same run as before.

        A connection survives its server being demoted and promoted again, with other data. So this is checked on every
        ping, not only on new connections.
        """
        try:
            await self._punctual(self._checked())
        except RedisError:
            self.responsive = False
            raise
        self.responsive = True

    async def _checked(self) -> None:
        pool: Any = self.client.connection_pool
        connection = await pool.get_connection()
        try:
            await self._check_run(connection)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    async def keys(self, pattern: str) -> list[str]:
        """Return the keys that match; raise RedisError."""
        return [key.decode() async for key in self.client.scan_iter(pattern, count=KEYS_PER_SCAN)]

    async def close(self) -> None:
        """Close every connection for good."""
        self._closed = True
        await asyncio.gather(self.client.aclose(), *(connection.disconnect() for connection in self._opened))

    async def _on_connect(self, connection: AbstractConnection) -> None:
        if self._closed:
            raise RedisConnectionError("this server is no longer a master")
        await connection.on_connect()
        await self._check_run(connection)

    async def _check_run(self, connection: AbstractConnection) -> None:
        """Identify the server's run on this connection; raise RedisConnectionError if it has changed.

        A restarted server may have lost evictions. The command that notices fails as if the connection had broken; the
        next one runs under the new epoch, to which no old entry belongs.
        """
        facts: dict[str, str] = {}
        for command in self._identify:
            await connection.send_command(*command)
            facts |= _facts(await connection.read_response())
        if facts.get("role") != "master":
            raise RedisConnectionError("it is a replica, which refuses writes")
        if facts.get("cluster_state", "ok") != "ok":
            raise RedisConnectionError("the cluster is down")
        run = "/".join(facts.get(each, "") for each in RUN)
        known, self.epoch = self.epoch, blake2b(run.encode(), digest_size=16).hexdigest()
        if known not in {"", self.epoch}:
            raise RedisConnectionError("the server has restarted or has other data")


def _facts(info: bytes | str) -> dict[str, str]:
    text = info.decode() if isinstance(info, bytes) else info
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


async def _response(connection: AbstractConnection) -> Any:  # noqa: ANN401
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def _bytes(call: Call) -> int:
    return sum(map(len, call))
