"""When the engine dies, hangs or stops, only calls in flight fail, and no process is left behind."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import Popen
from typing import Any
from unittest.mock import Mock

import asyncpg
import psutil
import pytest
import uvloop
from prisma.errors import ClientNotConnectedError

from chat_sessions.dev.embedded import Postgres
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.store.prisma.client import BridgedPrisma
from chat_sessions.store.prisma.engine import PrismaEngine
from chat_sessions.store.prisma.node import NodeChild
from chat_sessions.store.prisma.options import EngineOptions
from chat_sessions.store.prisma.protocol import LARGE
from tests.engine.bridge import new_session
from tests.shell import has_ended
from tests.waiting import LIMIT_SECONDS, until

SLOW = "SELECT 1 AS one FROM pg_sleep(0.3)"
# Waits for the test that holds the lock.
HELD = "SELECT 1 AS one FROM (SELECT pg_advisory_xact_lock_shared(1)) AS held"
SLOW_INSERT = """INSERT INTO "Tombstone" ("userId", "sessionId") SELECT 'ada', 'a' FROM pg_sleep(0.3)"""


async def outcome(call: Awaitable[object]) -> str:
    try:
        await call
    except DatabaseUnavailable:
        return "unavailable"
    return "done"


def engine_of(db: BridgedPrisma) -> psutil.Process:
    assert db.engine.pid is not None
    return psutil.Process(db.engine.pid)


async def running_queries(database: asyncpg.Pool, text: str) -> int:
    found = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()"
    return int(await database.fetchval(found, f"%{text}%"))


@asynccontextmanager
async def holding(database: asyncpg.Pool) -> AsyncIterator[None]:
    """Let HELD wait until the end of the block."""
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(1)")
        yield


async def test_a_killed_engine_fails_only_the_calls_in_flight(fragile: BridgedPrisma, database: asyncpg.Pool) -> None:
    first = engine_of(fragile)
    async with holding(database):
        in_flight = [asyncio.create_task(outcome(fragile.query_raw(HELD))) for _ in range(4)]
        await asyncio.sleep(0)
        first.kill()
        assert await asyncio.gather(*in_flight) == ["unavailable"] * 4
    assert await fragile.query_first("SELECT 1 AS one") == {"one": 1}
    assert fragile.engine.restarts == 1
    assert fragile.engine.pid != first.pid


async def test_under_load_a_kill_fails_at_most_one_call_per_worker(fragile: BridgedPrisma) -> None:
    async def work() -> list[str]:
        return [await outcome(fragile.chatsession.count()) for _ in range(60)]

    workers = [asyncio.create_task(work()) for _ in range(8)]
    await fragile.chatsession.count()
    engine_of(fragile).kill()
    outcomes = await asyncio.gather(*workers)
    assert all(each.count("unavailable") <= 1 for each in outcomes)
    assert any("unavailable" in each for each in outcomes)
    assert fragile.engine.restarts == 1


async def test_a_transaction_of_a_killed_engine_is_unavailable_and_rolled_back(fragile: BridgedPrisma) -> None:
    async def engine_ended() -> bool:
        return fragile.engine.pid is None

    tx = await fragile.tx().start()
    await new_session(tx, "a")
    engine_of(fragile).kill()
    await until(engine_ended)
    with pytest.raises(DatabaseUnavailable):
        await new_session(tx, "b")
    assert await fragile.chatsession.count() == 0


async def test_a_prestarted_engine_is_used(options: EngineOptions) -> None:
    launched = options.launch(report_statements=False)
    async with BridgedPrisma(options, engine=PrismaEngine(options, None, launched)) as db:
        assert db.engine.pid == launched.pid
        assert await db.query_first("SELECT 1 AS one") == {"one": 1}


async def test_a_prestarted_engine_that_died_is_replaced(options: EngineOptions) -> None:
    launched = options.launch(report_statements=False)
    launched.kill()
    launched.communicate()
    async with BridgedPrisma(options, engine=PrismaEngine(options, None, launched)) as db:
        assert await db.query_first("SELECT 1 AS one") == {"one": 1}
        assert db.engine.pid != launched.pid


async def test_a_hanging_engine_is_replaced(options: EngineOptions) -> None:
    async with BridgedPrisma(replace(options, query_timeout=1.0)) as db:

        async def works() -> bool:
            return await outcome(db.chatsession.count()) == "done"

        hanging = engine_of(db)
        hanging.suspend()
        async with asyncio.timeout(LIMIT_SECONDS):
            assert await asyncio.gather(*(works() for _ in range(8))) == [False] * 8
        await until(works)
        assert has_ended(hanging)


async def test_a_slow_query_times_out_without_affecting_others(options: EngineOptions, database: asyncpg.Pool) -> None:
    async with BridgedPrisma(replace(options, query_timeout=2.0)) as db, holding(database):
        pid = db.engine.pid
        slow = asyncio.create_task(outcome(db.query_raw(HELD)))
        while not slow.done():
            assert await db.query_first("SELECT 1 AS one") == {"one": 1}
        assert slow.result() == "unavailable"
        assert db.engine.pid == pid


async def test_postgres_cancels_a_statement_that_runs_too_long(options: EngineOptions, database: asyncpg.Pool) -> None:
    async with BridgedPrisma(replace(options, statement_timeout=0.1)) as db, holding(database):

        async def works() -> bool:
            return await outcome(db.chatsession.count()) == "done"

        async def cancelled() -> bool:
            return await running_queries(database, "AS held") == 0

        assert await outcome(db.query_raw(HELD)) == "unavailable"
        await until(cancelled)
        # On a busy machine any statement may take that long.
        await until(works)


async def test_an_exhausted_pool_fails_in_time(options: EngineOptions, database: asyncpg.Pool) -> None:
    async with BridgedPrisma(replace(options, pool_size=4, pool_timeout=1.5)) as db:

        async def all_wait() -> bool:
            return await running_queries(database, "AS held") == 4

        async with holding(database):
            holders = [asyncio.create_task(outcome(db.query_raw(HELD))) for _ in range(4)]
            await until(all_wait)
            late = await asyncio.gather(*(outcome(db.chatsession.count()) for _ in range(20)))
        assert late == ["unavailable"] * 20
        assert await asyncio.gather(*holders) == ["done"] * 4


async def test_calls_beyond_the_queue_limit_fail_at_once(options: EngineOptions) -> None:
    async with BridgedPrisma(replace(options, max_calls=10)) as db:
        outcomes = await asyncio.gather(*(outcome(db.chatsession.count()) for _ in range(50)))
    assert outcomes == ["done"] * 10 + ["unavailable"] * 40


async def test_an_error_carries_its_cause_but_not_in_its_text(options: EngineOptions) -> None:
    async with BridgedPrisma(replace(options, database_url="postgresql://ada:pass@127.0.0.1:1/x")) as db:
        with pytest.raises(DatabaseUnavailable) as caught:
            await db.chatsession.count()
    assert "127.0.0.1" in str(caught.value.cause)
    assert not {"127.0.0.1", "pass", "SELECT"} & set(f"{caught.value} {caught.value.reason}".split())


async def test_a_missing_engine_is_unavailable(options: EngineOptions, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await BridgedPrisma(replace(options, folder=tmp_path)).connect()


async def test_an_engine_that_exits_before_its_first_request_is_unavailable_and_leaves_no_zombie(
    options: EngineOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[psutil.Process] = []

    def launch_and_wait(*args: Any, **options: Any) -> Popen[bytes]:  # noqa: ANN401
        process = Popen(*args, **options)  # noqa: S603  started by the code under test
        children.append(psutil.Process(process.pid))
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        return process

    node = tmp_path / "node"
    node.write_text("#!/bin/sh\nexit 1\n")
    node.chmod(0o755)
    monkeypatch.setattr("chat_sessions.store.prisma.node.find_node", lambda: str(node))
    monkeypatch.setattr("chat_sessions.store.prisma.node.Popen", launch_and_wait)
    async with asyncio.timeout(LIMIT_SECONDS):
        with pytest.raises(DatabaseUnavailable):
            await BridgedPrisma(options).connect()

    async def is_reaped() -> bool:
        return not children[0].is_running()

    await until(is_reaped)


async def test_a_missing_node_is_unavailable(options: EngineOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat_sessions.store.prisma.node.find_node", lambda: "/no/such/node")
    with pytest.raises(DatabaseUnavailable):
        await BridgedPrisma(options).connect()


async def test_nothing_runs_before_connect_or_after_disconnect(options: EngineOptions) -> None:
    db = BridgedPrisma(options)
    with pytest.raises(ClientNotConnectedError):
        await db.chatsession.count()
    await db.connect()
    tx = await db.tx().start()
    engine = engine_of(db)
    await db.disconnect()
    assert has_ended(engine)
    with pytest.raises(DatabaseUnavailable):
        await tx.chatsession.count()
    assert db.engine.pid is None
    await db.connect()
    assert await db.chatsession.count() == 0
    await db.disconnect()


async def test_disconnect_waits_for_running_calls(options: EngineOptions, database: asyncpg.Pool) -> None:
    async with BridgedPrisma(options) as db:
        running = [asyncio.create_task(outcome(call)) for call in (db.query_raw(SLOW), db.execute_raw(SLOW_INSERT))]

        async def all_run() -> bool:
            return await running_queries(database, "pg_sleep(0.3)") == 2

        await until(all_run)
    assert await asyncio.gather(*running) == ["done"] * 2
    assert await database.fetchval('SELECT "sessionId" FROM "Tombstone"') == "a"


async def test_disconnect_sends_the_calls_made_just_before(options: EngineOptions) -> None:
    async with BridgedPrisma(options) as db:
        await db.query_first("SELECT 1 AS one")
        call = asyncio.create_task(db.query_first("SELECT 2 AS two"))
        # The call is made, but its line waits for others of this iteration of the event loop.
        await asyncio.sleep(0)
    assert await call == {"two": 2}


async def test_calls_made_at_the_same_time_share_a_write(
    fragile: BridgedPrisma, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fragile.query_first("SELECT 1 AS one")
    child = fragile.engine._child  # noqa: SLF001  nothing else shows its writes
    assert child is not None
    stdin = Mock(wraps=child._stdin)  # noqa: SLF001  likewise
    monkeypatch.setattr(child, "_stdin", stdin)
    assert await asyncio.gather(*(fragile.query_first("SELECT 1 AS one") for _ in range(8))) == [{"one": 1}] * 8
    assert stdin.write.call_count == 1


async def test_signals_to_the_process_group_do_not_end_the_engine(fragile: BridgedPrisma) -> None:
    engine = engine_of(fragile)
    assert os.getpgid(engine.pid) != os.getpgid(0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        engine.send_signal(number)
    assert await outcome(fragile.chatsession.count()) == "done"
    assert fragile.engine.restarts == 0


async def test_the_process_list_does_not_show_the_password(fragile: BridgedPrisma, postgres: Postgres) -> None:
    engine = engine_of(fragile)
    shown = " ".join(engine.cmdline()) + str(engine.environ())
    assert postgres.password not in shown


PROGRAM = """
import asyncio, sys
from chat_sessions.store.prisma.options import EngineOptions
from chat_sessions.store.prisma.engine import PrismaEngine
from chat_sessions.store.prisma.client import BridgedPrisma

async def main():
    db = BridgedPrisma(EngineOptions(sys.argv[1], statement_timeout=3))
    await db.connect()
    asyncio.create_task(db.query_raw("SELECT 1 AS orphan FROM pg_sleep(60)"))
    print(db.engine.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_the_engine_ends_when_python_is_killed(postgres: Postgres, database: asyncpg.Pool) -> None:
    async def query_runs() -> bool:
        return await running_queries(database, "orphan") == 1

    async def engine_ended() -> bool:
        return has_ended(engine)

    python = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, postgres.url, stdout=PIPE)
    assert python.stdout is not None
    engine = psutil.Process(int(await python.stdout.readline()))
    await until(query_runs)
    python.kill()
    await python.wait()
    await until(engine_ended)


def test_it_works_on_uvloop(options: EngineOptions) -> None:
    async def main() -> list[str]:
        async with BridgedPrisma(options) as db:
            before = await outcome(db.chatsession.count())
            engine_of(db).kill()
            during = await outcome(db.chatsession.count())
            after = await outcome(db.chatsession.count())
            tx = await db.tx().start()
            running = asyncio.create_task(outcome(db.query_raw(SLOW)))
            await asyncio.sleep(0)
            leaving = asyncio.create_task(db.disconnect())
            await asyncio.sleep(0)
            late = await outcome(tx.chatsession.count())
            await leaving
        return [before, during, after, await running, late]

    assert uvloop.run(main()) == ["done", "unavailable", "done", "done", "unavailable"]


class TestAnEngineThatReadsNothing:
    """Its pipe is full, so callers keep their megabytes."""

    SIZE = 1_000_000
    CALLS = 40

    async def echo(self, db: BridgedPrisma, number: int, size: int = SIZE) -> int:
        text = str(number) * size
        response = await db.query_first("SELECT length($1::text) AS length", text[:size])
        return int(response["length"])

    def child(self, db: BridgedPrisma) -> NodeChild:
        child = db.engine._child  # noqa: SLF001  only this test needs it
        assert child is not None
        return child

    async def test_is_sent_at_most_one_call_too_many(self, fragile: BridgedPrisma) -> None:
        await fragile.query_first("SELECT 1 AS one")
        child = self.child(fragile)
        engine = engine_of(fragile)
        engine.suspend()
        calls = [asyncio.create_task(self.echo(fragile, number)) for number in range(self.CALLS)]

        async def all_wait() -> bool:
            return child.waiting == self.CALLS

        await until(all_wait)
        unread = child._stdin.get_write_buffer_size()  # noqa: SLF001  likewise
        engine.resume()
        assert await asyncio.gather(*calls) == [self.SIZE] * self.CALLS
        assert self.SIZE / 2 < unread < 2 * self.SIZE
        assert fragile.engine.restarts == 0

    async def test_is_sent_few_short_calls_too_many(self, fragile: BridgedPrisma) -> None:
        await fragile.query_first("SELECT 1 AS one")
        child, engine, size = self.child(fragile), engine_of(fragile), LARGE - 100
        engine.suspend()
        calls = [asyncio.create_task(self.echo(fragile, number, size)) for number in range(self.CALLS)]

        async def all_wait() -> bool:
            return child.waiting == self.CALLS

        await until(all_wait)
        unread = child._stdin.get_write_buffer_size()  # noqa: SLF001  likewise
        engine.resume()
        assert await asyncio.gather(*calls) == [size] * self.CALLS
        assert unread < 4 * LARGE

    async def test_fails_its_callers_when_it_ends(self, fragile: BridgedPrisma) -> None:
        await fragile.query_first("SELECT 1 AS one")
        child, engine = self.child(fragile), engine_of(fragile)
        engine.suspend()
        calls = [asyncio.create_task(outcome(self.echo(fragile, number))) for number in range(self.CALLS)]

        async def all_wait() -> bool:
            return child.waiting == self.CALLS

        await until(all_wait)
        child.kill()
        assert await asyncio.gather(*calls) == ["unavailable"] * self.CALLS
        assert child.waiting == 0
        assert await fragile.query_first("SELECT 1 AS one") == {"one": 1}

    async def test_counts_calls_that_wait_to_be_sent(self, options: EngineOptions) -> None:
        async with BridgedPrisma(replace(options, max_calls=self.CALLS)) as db:
            await db.query_first("SELECT 1 AS one")
            engine = engine_of(db)
            engine.suspend()
            calls = [asyncio.create_task(self.echo(db, number)) for number in range(self.CALLS)]

            async def all_wait() -> bool:
                return self.child(db).waiting == self.CALLS

            await until(all_wait)
            with pytest.raises(DatabaseUnavailable):
                await db.query_first("SELECT 1 AS one")
            engine.resume()
            await asyncio.gather(*calls)
