"""Transactions are atomic, expire, and return their connection to the pool."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
import pytest
from prisma.errors import TransactionExpiredError, UniqueViolationError

from chat_sessions.errors import DatabaseUnavailable, StatementUndone
from chat_sessions.store.prisma.client import BridgedPrisma
from tests.engine.bridge import Statements, new_session, of_ada
from tests.waiting import until

LOCK = 'SELECT "id" FROM "ChatSession" WHERE "id" = $1 FOR UPDATE'


async def test_a_transaction_commits_everything(db: BridgedPrisma, statements: Statements) -> None:
    async with db.tx() as tx:
        await new_session(tx, "a")
        assert await db.chatsession.count() == 0, "not committed yet"
        await new_session(tx, "b")
    assert statements.verbs == ["BEGIN", "INSERT", "SELECT", "INSERT", "COMMIT"]
    assert await db.chatsession.count() == 2


async def test_an_exception_rolls_back(db: BridgedPrisma) -> None:
    await new_session(db, "a")

    async def insert_two() -> None:
        async with db.tx() as tx:
            await new_session(tx, "b")
            await new_session(tx, "a")

    with pytest.raises(UniqueViolationError):
        await insert_two()
    assert await db.chatsession.count() == 1


@pytest.mark.parametrize("then", ["commit", "insert"])
async def test_an_expired_transaction_raises_and_rolls_back(
    db: BridgedPrisma, database: asyncpg.Pool, then: str
) -> None:
    async def ended() -> bool:
        return not await database.fetchval("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in trans%'")

    transaction = db.tx(timeout=timedelta(milliseconds=50))
    tx = await transaction.start()
    # On a busy machine it may have expired already.
    with suppress(TransactionExpiredError):
        await new_session(tx, "a")
    await until(ended)
    with pytest.raises(TransactionExpiredError):
        await (transaction.commit() if then == "commit" else new_session(tx, "b"))
    assert await db.chatsession.count() == 0


async def test_a_transaction_that_cannot_start_in_time_is_unavailable(fragile: BridgedPrisma) -> None:
    holders = [fragile.tx() for _ in range(4)]
    for holder in holders:
        await holder.start()
    with pytest.raises(DatabaseUnavailable):
        await fragile.tx(max_wait=timedelta(milliseconds=100)).start()
    for holder in holders:
        await holder.rollback()
    assert await fragile.chatsession.count() == 0


@pytest.mark.parametrize("steps", range(5))
async def test_a_start_cancelled_at_any_step_returns_its_connection(fragile: BridgedPrisma, steps: int) -> None:
    for _ in range(4):
        task = asyncio.create_task(fragile.tx(timeout=timedelta(minutes=1)).start())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    for _ in range(3):
        assert await asyncio.gather(*(fragile.chatsession.count() for _ in range(8))) == [0] * 8


async def test_twenty_concurrent_changes_of_a_row_are_serialized(db: BridgedPrisma) -> None:
    await new_session(db, "a")

    async def append() -> None:
        async with db.tx(max_wait=timedelta(seconds=10)) as tx:
            await tx.query_raw(LOCK, "a")
            session = await tx.chatsession.find_unique_or_raise(where=of_ada("a"))
            await tx.chatsession.update_many(where={"id": "a"}, data={"messageCount": session.messageCount + 1})

    await asyncio.gather(*(append() for _ in range(20)))
    assert (await db.chatsession.find_unique_or_raise(where=of_ada("a"))).messageCount == 20


async def test_a_deadlock_is_a_conflict_for_one_of_the_two(db: BridgedPrisma) -> None:
    for key in "ab":
        await new_session(db, key)
    both_hold_one = asyncio.Barrier(2)

    async def lock(first: str, second: str) -> None:
        async with db.tx(timeout=timedelta(seconds=10)) as tx:
            await tx.query_raw(LOCK, first)
            await both_hold_one.wait()
            await tx.query_raw(LOCK, second)

    results = await asyncio.gather(lock("a", "b"), lock("b", "a"), return_exceptions=True)
    errors = [result for result in results if result is not None]
    assert [type(error) for error in errors] == [StatementUndone]


async def test_a_serialization_failure_is_a_conflict(db: BridgedPrisma) -> None:
    await new_session(db, "a")
    async with db.tx() as tx:
        await tx.execute_raw("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        await tx.chatsession.find_first()
        await db.chatsession.update_many(where={}, data={"title": "other"})
        with pytest.raises(StatementUndone):
            await tx.chatsession.update_many(where={}, data={"title": "mine"})
