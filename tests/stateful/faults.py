"""Faults: Redis is away, slow or empty, an engine dies, a worker is paused."""

import asyncio
import signal
from functools import partial
from urllib.parse import urlsplit

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.service import Caller, token
from tests.shell import ENGINE, children, family
from tests.stateful.model import IN_PROCESS, Modelled
from tests.waiting import LIMIT_SECONDS, until

Pending = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Faults(Modelled):
    """No fault may change a response, not even the late one of a paused worker."""

    def __init__(self) -> None:
        super().__init__()
        #: The pending requests of the paused worker, with their sessions.
        self.waiting: list[tuple[str, Pending]] = []

    @precondition(lambda self: self.redis_is == "up")
    @rule(how=st.sampled_from(["paused", "dead"]))
    def take_redis_away(self, how: str) -> None:
        if how == "paused":
            self.world.redis.pause()
        else:
            self.world.redis.kill()
        self.redis_is = how

    @precondition(lambda self: self.redis_is != "up")
    @rule(keep_data=st.booleans())
    def give_redis_back(self, keep_data: bool) -> None:
        if self.redis_is == "paused":
            self.world.redis.resume()
        else:
            self.world.redis.restart(keep_data=keep_data)
        self.redis_is = "up"

    @precondition(lambda self: self.redis_is == "up")
    @rule()
    def empty_redis(self) -> None:
        self.run(self._emptied())

    @rule()
    def kill_an_engine(self) -> None:
        engine = children(ENGINE)[0]
        engine.kill()
        engine.wait()
        for worker in IN_PROCESS:
            caller = self.callers["ada", worker]
            self.run(until(partial(_serves, caller)))

    @precondition(lambda self: not self.process_is_paused)
    @rule()
    def pause_the_process(self) -> None:
        for each in family(self.process.process.pid):
            each.send_signal(signal.SIGSTOP)
        self.process_is_paused = True

    @precondition(lambda self: self.process_is_paused)
    @rule(session_id=st.one_of(Modelled.sessions, Modelled.deleted_ids))
    def call_the_paused_process(self, session_id: str) -> None:
        owner = self.alive[session_id].owner if session_id in self.alive else "ada"
        self.waiting.append((session_id, self.run(self._sent(owner, session_id))))

    @precondition(lambda self: self.process_is_paused)
    @rule()
    def wake_the_process(self) -> None:
        for each in family(self.process.process.pid):
            each.send_signal(signal.SIGCONT)
        self.process_is_paused = False
        statuses = {session_id: self.run(_status(*pending)) for session_id, pending in self.waiting}
        assert statuses == {session_id: 200 if session_id in self.alive else 404 for session_id in statuses}
        self.waiting = []

    @invariant()
    def every_key_has_a_ttl(self) -> None:
        if self.redis_is == "up":
            assert self.run(self._immortal_keys()) == []

    def teardown(self) -> None:
        if self.redis_is != "up":
            self.give_redis_back(keep_data=True)
        if self.process_is_paused:
            self.wake_the_process()
        self.run(self.world.trusted())
        self.run(until(self.callers["ada", 2].is_fully_ready))
        self.run(self._all_agree())

    async def _emptied(self) -> None:
        async with self.world.redis_client() as redis:
            await redis.flushall()

    async def _sent(self, user: str, session_id: str) -> Pending:
        """Send a request that the kernel accepts but no process reads yet."""
        address = urlsplit(self.process.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        lines = [
            f"GET /api/chat/sessions/{session_id}?limit=1 HTTP/1.1",
            f"Host: {address.netloc}",
            f"Authorization: Bearer {token(user)}",
            "Connection: close",
        ]
        writer.write("\r\n".join([*lines, "\r\n"]).encode())
        return reader, writer

    async def _immortal_keys(self) -> list[bytes]:
        async with self.world.redis_client() as redis, redis.pipeline(transaction=False) as pipeline:
            keys = [key async for key in redis.scan_iter(count=1000)]
            for key in keys:
                pipeline.ttl(key)
            return [key for key, ttl in zip(keys, await pipeline.execute(), strict=True) if ttl == -1]

    async def _all_agree(self) -> None:
        rows = await self.world.database.fetch(
            'SELECT "id", "userId", "title", "isPinned", "isArchived" FROM "ChatSession"'
        )
        assert {tuple(row) for row in rows} == {
            (key, each.owner, each.title, each.is_pinned, each.is_archived) for key, each in self.alive.items()
        }
        messages = await self.world.database.fetchval('SELECT count(*) FROM "ChatMessage"')
        assert messages == sum(len(each.messages) for each in self.alive.values())
        for (user, _), caller in self.callers.items():
            for session_id in self.alive:
                response = await caller.get(session_id)
                assert response.status_code == (200 if self.of(user, session_id) else 404)


async def _serves(caller: Caller) -> bool:
    return (await caller.http.get("/readyz")).status_code == 200


async def _status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    async with asyncio.timeout(LIMIT_SECONDS):
        line = await reader.readline()
        await reader.read()
    writer.close()
    return int(line.split()[1])
