"""Each failure raises the exception that Prisma Client Python documents."""

import pytest
from prisma import Json
from prisma.errors import (
    DataError,
    FieldNotFoundError,
    ForeignKeyViolationError,
    MissingRequiredValueError,
    RawQueryError,
    RecordNotFoundError,
    UniqueViolationError,
)

from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.store.prisma.client import BridgedPrisma
from chat_sessions.store.prisma.options import EngineOptions
from tests.engine.bridge import MakeDatabase, new_messages, new_session, of_ada


async def test_a_duplicate_key_names_the_constraint(db: BridgedPrisma) -> None:
    await new_session(db, "a")
    with pytest.raises(UniqueViolationError) as caught:
        await new_session(db, "a")
    assert caught.value.meta["target"] == "ChatSession_pkey"


async def test_a_duplicate_sequence_names_the_constraint(db: BridgedPrisma) -> None:
    await new_session(db, "a")
    await new_messages(db, "a", 1)
    with pytest.raises(UniqueViolationError) as caught:
        await db.chatmessage.create(
            data={"userId": "ada", "id": "x", "sessionId": "a", "role": "user", "sequence": 0, "body": Json({})}
        )
    assert caught.value.meta["target"] == "ChatMessage_userId_sessionId_sequence_key"


async def test_a_tombstone_blocks_its_id_and_names_the_constraint(db: BridgedPrisma) -> None:
    await new_session(db, "a")
    await db.chatsession.delete_many(where={"id": "a"})
    with pytest.raises(UniqueViolationError) as caught:
        await new_session(db, "a")
    assert caught.value.meta["target"] == "Tombstone_pkey"
    assert await db.chatsession.count() == 0


async def test_a_message_without_its_session_violates_the_foreign_key(db: BridgedPrisma) -> None:
    with pytest.raises(ForeignKeyViolationError):
        await db.chatmessage.create(
            data={"userId": "ada", "id": "m", "sessionId": "gone", "role": "user", "sequence": 0, "body": Json({})}
        )
    with pytest.raises(ForeignKeyViolationError):
        await new_messages(db, "gone", 2)


async def test_a_missing_required_row_is_an_error(db: BridgedPrisma) -> None:
    with pytest.raises(RecordNotFoundError):
        await db.chatsession.find_unique_or_raise(where=of_ada("gone"))
    with pytest.raises(RecordNotFoundError):
        await db.chatsession.find_first_or_raise(where={"userId": "gone"})


async def test_unknown_fields_and_values_of_the_wrong_type_are_errors(db: BridgedPrisma) -> None:
    with pytest.raises(FieldNotFoundError, match=r"where\.nope"):
        await db.chatsession.find_first(where={"nope": 1})  # type: ignore[arg-type]
    with pytest.raises(FieldNotFoundError):
        await db.chatsession.find_first(where={"id": 1})  # type: ignore[arg-type]


async def test_a_missing_value_is_an_error(db: BridgedPrisma) -> None:
    with pytest.raises(MissingRequiredValueError):
        await db.chatsession.create(data={"id": "a"})  # type: ignore[typeddict-item]


async def test_raw_errors_have_the_message_and_code_of_postgres(db: BridgedPrisma) -> None:
    with pytest.raises(RawQueryError, match="division by zero") as caught:
        await db.query_raw("SELECT 1 / 0")
    assert caught.value.meta["code"] == "22012"


async def test_an_unsupported_type_is_an_error_and_does_not_end_the_engine(db: BridgedPrisma) -> None:
    with pytest.raises(DataError, match="interval"):
        await db.query_raw("SELECT '1 s'::interval")
    assert await db.query_first("SELECT 1 AS one") == {"one": 1}


async def test_a_database_without_tables_is_unavailable(make_database: MakeDatabase) -> None:
    async with BridgedPrisma(EngineOptions(await make_database("empty"))) as db:
        with pytest.raises(DatabaseUnavailable) as caught:
            await db.chatsession.count()
    assert caught.value.reason == "The database is not migrated: run `chat-sessions migrate`."
