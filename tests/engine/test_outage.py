"""Postgres goes away and comes back: the bridge reports the outage and recovers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from chat_sessions.dev.embedded import Postgres
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.store.prisma.client import BridgedPrisma
from chat_sessions.store.prisma.options import EngineOptions
from tests.waiting import LIMIT_SECONDS, until


@pytest.fixture
async def shaky(shaky_postgres: Postgres) -> AsyncIterator[BridgedPrisma]:
    options = EngineOptions(shaky_postgres.url, pool_size=4, connect_timeout=1.0, statement_timeout=1.0)
    async with BridgedPrisma(replace(options, pool_timeout=2.0, query_timeout=LIMIT_SECONDS)) as db:
        await until(lambda: _works(db))
        yield db


@pytest.fixture
async def patient(shaky_postgres: Postgres) -> AsyncIterator[BridgedPrisma]:
    """A bridge whose timeouts outlast any test."""
    long = 10 * LIMIT_SECONDS
    options = EngineOptions(shaky_postgres.url, pool_size=4, connect_timeout=long, statement_timeout=long)
    async with BridgedPrisma(replace(options, pool_timeout=long, query_timeout=2 * long)) as db:
        await until(lambda: _works(db))
        yield db


async def _works(db: BridgedPrisma) -> bool:
    try:
        await db.chatsession.count()
    except DatabaseUnavailable:
        return False
    return True


async def _assert_unavailable_under_load(db: BridgedPrisma) -> None:
    results = await asyncio.gather(*(_works(db) for _ in range(16)))
    assert not any(results)


async def test_calls_fail_at_once_while_postgres_is_away(patient: BridgedPrisma, shaky_postgres: Postgres) -> None:
    pid = patient.engine.pid
    shaky_postgres.stop()
    async with asyncio.timeout(LIMIT_SECONDS):
        await _assert_unavailable_under_load(patient)
        with pytest.raises(DatabaseUnavailable):
            await patient.tx().start()
        with pytest.raises(DatabaseUnavailable):
            await patient.query_raw("SELECT 1")
    shaky_postgres.start()
    assert await _works(patient)
    assert patient.engine.pid == pid, "the engine outlives the database"


async def test_calls_succeed_again_after_a_restart_under_load(patient: BridgedPrisma, shaky_postgres: Postgres) -> None:
    stop = asyncio.Event()
    failures = 0

    async def transact() -> None:
        async with patient.tx() as tx:
            await tx.execute_raw("SELECT pg_sleep(0.005)")
            await tx.tombstone.count()

    async def work() -> None:
        nonlocal failures
        while not stop.is_set():
            try:
                await transact()
            except DatabaseUnavailable:
                failures += 1
                await asyncio.sleep(0.005)

    workers = [asyncio.create_task(work()) for _ in range(16)]
    for end in (shaky_postgres.stop, shaky_postgres.kill):
        await until(lambda: _works(patient))
        await asyncio.to_thread(end)
        await asyncio.to_thread(shaky_postgres.start)
    await until(lambda: _works(patient))
    stop.set()
    await asyncio.gather(*workers)
    assert failures
    assert patient.engine.restarts == 0
    assert await asyncio.gather(*(_works(patient) for _ in range(16))) == [True] * 16


async def test_a_crash_within_a_transaction_rolls_it_back(patient: BridgedPrisma, shaky_postgres: Postgres) -> None:
    tx = await patient.tx().start()
    await tx.tombstone.create(data={"userId": "ada", "sessionId": "a"})
    shaky_postgres.kill()
    shaky_postgres.start()
    with pytest.raises(DatabaseUnavailable):
        await tx.tombstone.create(data={"userId": "ada", "sessionId": "b"})
    await until(lambda: _works(patient))
    assert await patient.tombstone.count() == 0


async def test_an_unresponsive_postgres_is_unavailable_until_it_responds(
    shaky: BridgedPrisma, shaky_postgres: Postgres
) -> None:
    shaky_postgres.pause()
    try:
        await _assert_unavailable_under_load(shaky)
    finally:
        shaky_postgres.resume()
    await until(lambda: _works(shaky))
    assert shaky.engine.restarts == 0


async def test_connections_cut_while_idle_are_replaced(patient: BridgedPrisma, shaky_postgres: Postgres) -> None:
    await asyncio.gather(*(_works(patient) for _ in range(8)))
    connection = await asyncpg.connect(shaky_postgres.url)
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await connection.close()
    await until(lambda: _works(patient))
    assert await asyncio.gather(*(_works(patient) for _ in range(8))) == [True] * 8


async def test_connect_succeeds_without_postgres(shaky_postgres: Postgres) -> None:
    shaky_postgres.stop()
    async with BridgedPrisma(EngineOptions(shaky_postgres.url)) as db:
        assert not await _works(db)
        shaky_postgres.start()
        assert await _works(db)
