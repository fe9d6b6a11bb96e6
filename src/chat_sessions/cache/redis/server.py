"""One Redis server: its connections, and which run of it they lead to."""

from collections.abc import Coroutine, Iterable, Sequence
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from chat_sessions.cache.redis.batcher import Batcher, Bounds
from chat_sessions.cache.redis.punctuality import within
from chat_sessions.settings import Settings

T = TypeVar("T")
ScriptName = Literal["read", "fill", "evict", "reset", "since", "last", "admit", "lock", "unlock"]
# So that the answers to one round trip arrive within its time limit, and nobody waits for megabytes of somebody else.
MAX_CALLS_AT_ONCE = 64
MAX_BYTES_AT_ONCE = 1024 * 1024
# Connections that scripts leave to what must never wait for them: the pings, the subscription, the look at a cluster.
SPARE_CONNECTIONS = 4
# Times the limit of an answer.
BACKSTOP = 40
KEYS_PER_SCAN = 1000
WHO_ARE_YOU = (("INFO", "server"), ("INFO", "replication"))
WHO_ARE_YOU_IN_A_CLUSTER = (*WHO_ARE_YOU, ("CLUSTER", "INFO"))
# A process; the history of its data, which is another one after each promotion; and in a cluster that of its slots.
RUN = ("run_id", "master_replid", "cluster_my_epoch")


class Call(NamedTuple):
    """A script to run."""

    script: AsyncScript
    keys: Sequence[str]
    args: Sequence[str | bytes | int]


def _bytes(call: Call) -> int:
    """Only an answer to be cached is large, and only it comes as bytes."""
    return sum(len(each) for each in call.args if isinstance(each, bytes))


def limits(settings: Settings) -> dict[str, Any]:
    """Return what every connection to any server keeps to."""
    return {
        "socket_timeout": settings.redis_timeout,
        "socket_connect_timeout": settings.redis_timeout,
        # A connection that broke may lead to another server now, or to one with old data: no silent retry.
        "retry": Retry(NoBackoff(), 0),
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def _unhurried(settings: Settings) -> dict[str, float]:
    """Leave the limit to `within`: redis-py's own would blame the server for what a busy event loop is late with."""
    return dict.fromkeys(("socket_timeout", "socket_connect_timeout"), BACKSTOP * settings.redis_timeout)


class RedisNode:
    """A server that takes writes. `epoch` names its present run: what was cached under another may be out of date."""

    def __init__(self, url: str, settings: Settings, *, in_cluster: bool) -> None:
        self.epoch = ""
        self._timeout = settings.redis_timeout
        self.answers = True
        self.client = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                max_connections=settings.redis_pool_size,
                timeout=settings.redis_timeout,
                redis_connect_func=self._greet,
                **limits(settings) | _unhurried(settings),
            )
        )
        self._questions = WHO_ARE_YOU_IN_A_CLUSTER if in_cluster else WHO_ARE_YOU
        self._scripts = {name: self.client.register_script(_text(name)) for name in get_args(ScriptName)}
        bounds = Bounds(MAX_CALLS_AT_ONCE, MAX_BYTES_AT_ONCE, settings.redis_pool_size - SPARE_CONNECTIONS)
        self._calls = Batcher(self._run_all, bounds, weigh=_bytes)
        self._closed = False

    async def run(self, script: ScriptName, keys: Sequence[str], args: Iterable[str | bytes | int]) -> Any:  # noqa: ANN401
        """Return the answer of a script of `lua/`, or the error; its round trip is shared with its neighbours."""
        return await self._calls.ask(Call(self._scripts[script], keys, tuple(args)))

    async def _run_all(self, calls: Sequence[Call]) -> list[Any]:
        """Return the answers, errors among them: a round trip for many costs little more than one for one."""
        try:
            answers = await self._send(calls)
            unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if unknown:
                await self._punctual(self._load())
                for number, answer in zip(unknown, await self._send([calls[each] for each in unknown]), strict=True):
                    answers[number] = answer
        except RedisError as error:
            self.answers = False
            return [error] * len(calls)
        return answers

    async def _send(self, calls: Sequence[Call]) -> list[Any]:
        return await self._punctual(self._piped(calls))

    async def _piped(self, calls: Sequence[Call]) -> list[Any]:
        async with self.client.pipeline(transaction=False) as pipeline:
            for script, keys, args in calls:
                pipeline.evalsha(script.sha, len(keys), *keys, *args)
            return await pipeline.execute(raise_on_error=False)

    async def _load(self) -> None:
        for script in self._scripts.values():
            await self.client.script_load(script.script)

    async def _punctual(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            return await within(self._timeout, call)
        except TimeoutError as error:
            raise RedisTimeoutError("no answer in time") from error

    async def check(self) -> None:
        """Raise RedisError unless it answers, takes writes, and is in the run in which it was.

        A connection outlives that its server becomes a replica and a master again, with other data: hence again and
        again, and not only when a connection is new.
        """
        try:
            await self._punctual(self._checked())
        except RedisError:
            self.answers = False
            raise
        self.answers = True

    async def _checked(self) -> None:
        pool: Any = self.client.connection_pool
        connection = await pool.get_connection()
        try:
            await self._meet(connection)
        except BaseException:
            # What is unread of its answers would be taken for those to another question.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    async def keys(self, pattern: str) -> list[str]:
        """Return the keys that match; raise RedisError."""
        return [key.decode() async for key in self.client.scan_iter(pattern, count=KEYS_PER_SCAN)]

    async def close(self) -> None:
        """Close every connection, and open none any more."""
        self._closed = True
        await self.client.aclose()

    async def _greet(self, connection: AbstractConnection) -> None:
        if self._closed:
            raise RedisConnectionError("this server is no master any more")
        await connection.on_connect()
        await self._meet(connection)

    async def _meet(self, connection: AbstractConnection) -> None:
        """Ask which run of the server a connection leads to; refuse it if that is not the known one.

        A server that came back may hold entries whose eviction it has forgotten. The command that noticed it fails
        like one on a broken line; the next one is served under the new epoch, to which no old entry belongs.
        """
        facts: dict[str, str] = {}
        for question in self._questions:
            await connection.send_command(*question)
            facts |= _facts(await connection.read_response())
        if facts.get("role") != "master":
            raise RedisConnectionError("it is a replica, which takes no writes")
        if facts.get("cluster_state", "ok") != "ok":
            raise RedisConnectionError("the cluster is down")
        run = "/".join(facts.get(each, "") for each in RUN)
        known, self.epoch = self.epoch, blake2b(run.encode(), digest_size=16).hexdigest()
        if known not in {"", self.epoch}:
            raise RedisConnectionError("another run of the server answers")


def _facts(info: bytes | str) -> dict[str, str]:
    text = info.decode() if isinstance(info, bytes) else info
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


@cache
def _text(script: ScriptName) -> str:
    return files("chat_sessions.cache.redis").joinpath("lua", f"{script}.lua").read_text()
