"""`delete_many` by plain values: Prisma's engine makes its SQL once, and later calls skip the engine."""

from datetime import UTC, datetime, timedelta

from chat_sessions.store.prisma.client import BridgedPrisma
from tests.engine.bridge import Statements, new_session


async def test_each_value_is_bound_to_its_field(db: BridgedPrisma) -> None:
    for key, user in (("a", "b"), ("b", "a"), ("a", "a")):
        await new_session(db, key, user)
    assert await db.chatsession.delete_many(where={"id": "a", "userId": "b"}) == 1
    assert await db.chatsession.delete_many(where={"userId": "b", "id": "a"}) == 0
    assert await db.chatsession.delete_many(where={"userId": "a", "id": "a"}) == 1
    left = await db.chatsession.find_many()
    assert [(session.id, session.userId) for session in left] == [("b", "a")]


async def test_it_is_one_statement_from_the_first_call_on(db: BridgedPrisma, statements: Statements) -> None:
    for _ in range(2):
        assert await db.chatsession.delete_many(where={"userId": "ada", "title": "a"}) == 0
    assert statements.verbs == ["DELETE"] * 2
    assert len(set(statements)) == 1


async def test_it_counts_every_row(db: BridgedPrisma) -> None:
    for key in "abc":
        await new_session(db, key)
    await new_session(db, "d", user="bob")
    assert await db.chatsession.delete_many(where={"userId": "ada"}) == 3
    assert await db.chatsession.count() == 1


async def test_the_engine_converts_values_of_other_types(db: BridgedPrisma) -> None:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    for key, deleted_at in (("a", time), ("b", time + timedelta(days=1))):
        await db.tombstone.create(data={"userId": "ada", "sessionId": key, "deletedAt": deleted_at})
    assert await db.tombstone.delete_many(where={"userId": "ada", "deletedAt": time}) == 1
    assert await db.tombstone.delete_many(where={"deletedAt": time}) == 0
    assert [each.sessionId for each in await db.tombstone.find_many()] == ["b"]


async def test_it_is_undone_with_its_transaction(db: BridgedPrisma) -> None:
    await new_session(db, "a")
    assert await db.chatsession.delete_many(where={"id": "b"}) == 0
    transaction = db.tx()
    tx = await transaction.start()
    assert await tx.chatsession.delete_many(where={"id": "a"}) == 1
    await transaction.rollback()
    assert await db.chatsession.count() == 1
