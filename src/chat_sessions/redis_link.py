"""The line to Redis: the only module that imports redis. It knows whether the cache may be trusted."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from typing import Any, Literal, NamedTuple, cast, get_args

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockError, NoScriptError, RedisError
from redis.maint_notifications import MaintNotificationsConfig

from chat_sessions.batcher import Batcher
from chat_sessions.errors import SessionBusy
from chat_sessions.settings import Settings
from chat_sessions.telemetry import Metrics
from chat_sessions.trust import Trust

log = structlog.get_logger(__name__)

ScriptName = Literal["read", "fill", "evict", "since", "last", "admit"]
# Shorter than the time in which a writer appends to a session, so that a waiting one is not late.
LOCK_POLL_SECONDS = 0.01
KEYS_PER_SCAN = 1000
# So that the answers to one round trip arrive within its time limit.
MAX_CALLS_AT_ONCE = 128


class Call(NamedTuple):
    """A script to run."""

    script: AsyncScript
    keys: Sequence[str]
    args: Iterable[str | bytes | int]


class RedisAway(Exception):
    """Redis did not answer in time, or said that it cannot. Never shown to a client."""


class RedisLink(Trust):
    """Runs what the cache asks for, and distrusts the cache from the first failure on."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        super().__init__(metrics)
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
        self._calls = Batcher(self._run_all, most=MAX_CALLS_AT_ONCE)

    async def run(self, script: ScriptName, keys: Sequence[str], args: Iterable[str | bytes | int]) -> Any:  # noqa: ANN401
        """Run a script of `lua/`, in one round trip that it shares with its neighbours; raise RedisAway."""
        answer = await self._calls.ask(Call(self._scripts[script], keys, args))
        if isinstance(answer, RedisError):
            self._lose(answer)
            raise RedisAway from answer
        return answer

    async def _run_all(self, calls: Sequence[Call]) -> list[Any]:
        """Return the answers, errors among them: a round trip for many costs little more than one for one."""
        try:
            answers = await self._send(calls)
            unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if unknown:
                for script in self._scripts.values():
                    await self._redis.script_load(script.script)
                for number, answer in zip(unknown, await self._send([calls[each] for each in unknown]), strict=True):
                    answers[number] = answer
        except RedisError as error:
            return [error] * len(calls)
        return answers

    async def _send(self, calls: Sequence[Call]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for script, keys, args in calls:
                pipeline.evalsha(script.sha, len(keys), *keys, *args)
            return await pipeline.execute(raise_on_error=False)

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
