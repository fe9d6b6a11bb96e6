"""The line to Redis: the only module that imports redis. It knows whether the cache may be trusted."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from time import monotonic
from typing import Any, Literal, cast, get_args

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockError, RedisError
from redis.maint_notifications import MaintNotificationsConfig

from chat_sessions.errors import SessionBusy
from chat_sessions.settings import Settings
from chat_sessions.telemetry import Metrics

log = structlog.get_logger(__name__)

ScriptName = Literal["read", "fill", "evict", "since", "last"]
# Shorter than the time in which a writer appends to a session, so that a waiting one is not late.
LOCK_POLL_SECONDS = 0.01
KEYS_PER_SCAN = 1000


class RedisAway(Exception):
    """Redis did not answer in time, or said that it cannot. Never shown to a client."""


class RedisLink:
    """Runs what the cache asks for, and distrusts the cache from the first failure on.

    Trust comes back by `trust_again` alone, which the sweeper calls after it has drained the outbox: only then
    has every eviction that was skipped in the meantime been made good.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._epoch = ""
        self._failures = 0
        self._lost_at: float | None = monotonic()
        metrics.degraded.set(1)
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                settings.redis_url.get_secret_value(),
                max_connections=settings.redis_pool_size,
                timeout=settings.redis_timeout,
                socket_timeout=settings.redis_timeout,
                socket_connect_timeout=settings.redis_timeout,
                # A connection that broke may lead to another server now, or to one with old data: no silent retry.
                retry=Retry(NoBackoff(), 0),
                redis_connect_func=self._greet,
                maint_notifications_config=MaintNotificationsConfig(enabled=False),
            )
        )
        self._scripts = {
            name: self._redis.register_script(files("chat_sessions").joinpath("lua", f"{name}.lua").read_text())
            for name in get_args(ScriptName)
        }

    @property
    def epoch(self) -> str:
        """Which run of the Redis server answers; what was cached under another one may be out of date."""
        return self._epoch

    @property
    def trusted(self) -> bool:
        """Whether nothing has been skipped since the outbox was drained last."""
        return self._lost_at is None

    @property
    def failures(self) -> int:
        """How often Redis has failed so far."""
        return self._failures

    def vouches_for(self, epoch: str) -> bool:
        """Return whether the cache is trusted, and the server still in the run that the epoch names."""
        return self.trusted and epoch == self._epoch

    def away_for(self) -> float:
        """Return the seconds since the cache is not trusted."""
        return 0.0 if self._lost_at is None else monotonic() - self._lost_at

    def trust_again(self, failures: int) -> None:
        """Trust the cache, unless Redis has failed again since it had failed that often."""
        if self._lost_at is not None and failures == self._failures:
            log.info("cache.trusted", away_seconds=round(self.away_for(), 3))
            self._lost_at = None
            self._metrics.degraded.set(0)

    async def run(self, script: ScriptName, keys: Sequence[str], args: Iterable[str | bytes | int]) -> Any:  # noqa: ANN401
        """Run a script of `lua/`, in one round trip; raise RedisAway."""
        try:
            return await self._scripts[script](keys=keys, args=args)
        except RedisError as error:
            self._lose(error)
            raise RedisAway from error

    async def ping(self) -> None:
        """Raise RedisAway if Redis does not answer."""
        try:
            await cast("Any", self._redis.ping())
        except RedisError as error:
            self._lose(error)
            raise RedisAway from error

    async def facts(self) -> dict[str, Any]:
        """Return what the server says of itself (INFO), or raise RedisAway."""
        with self._noticed():
            return await self._redis.info()

    async def keys(self, pattern: str) -> list[str]:
        """Return the keys that match, by a walk that never blocks the server for long; raise RedisAway."""
        with self._noticed():
            return [key.decode() async for key in self._redis.scan_iter(pattern, count=KEYS_PER_SCAN)]

    async def unlink(self, *keys: str) -> None:
        """Remove keys of one user, or raise RedisAway."""
        with self._noticed():
            await self._redis.unlink(*keys)

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            self._lose(error)
            raise RedisAway from error

    @asynccontextmanager
    async def lock(self, name: str, *, ttl: float, wait: float) -> AsyncIterator[None]:
        """Hold a lock, or raise SessionBusy after `wait` seconds.

        Without Redis there is no lock: the caller's own constraints have to do. This is counted, not hidden.
        """
        lock = self._redis.lock(name, timeout=ttl, blocking_timeout=wait, sleep=LOCK_POLL_SECONDS)
        held = await self._acquire(lock)
        try:
            yield
        finally:
            if held:
                await self._release(lock)

    async def _acquire(self, lock: Lock) -> bool:
        if self.trusted:
            try:
                if await lock.acquire():
                    return True
            except RedisError as error:
                self._lose(error)
            else:
                raise SessionBusy
        self._metrics.unlocked_appends.inc()
        return False

    async def _release(self, lock: Lock) -> None:
        try:
            await lock.release()
        except LockError:
            # It expired, or went with its session: either way it is nobody's of ours.
            log.info("lock.gone")
        except RedisError as error:
            self._lose(error)

    @asynccontextmanager
    async def subscription(self) -> AsyncIterator["Subscription"]:
        """Open a connection of its own that hears what is published."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            yield Subscription(pubsub)

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    def _lose(self, error: BaseException) -> None:
        self._failures += 1
        self._metrics.redis_failures.inc()
        if self._lost_at is None:
            self._lost_at = monotonic()
            self._metrics.degraded.set(1)
            log.warning("cache.lost", error=f"{type(error).__name__}: {error}")

    async def _greet(self, connection: AbstractConnection) -> None:
        """Ask each new connection which run of the server it leads to; refuse it if that is not the known one.

        A server that came back may hold entries whose eviction it has forgotten. The command that noticed it fails
        like one on a broken line; the next one is served under the new epoch, to which no old entry belongs.
        """
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        run_id = _run_id(await connection.read_response())
        known, self._epoch = self._epoch, run_id
        if known not in {"", run_id}:
            message = "another run of the server answers"
            raise RedisConnectionError(message)


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


def _run_id(info: bytes | str) -> str:
    text = info.decode() if isinstance(info, bytes) else info
    return next(line.partition(":")[2] for line in text.splitlines() if line.startswith("run_id:"))
