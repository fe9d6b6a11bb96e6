"""Values survive a round trip through the engine unchanged."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from prisma import Json
from prisma.errors import DataError, FieldNotFoundError
from prisma.models import ChatMessage, ChatSession

from chat_sessions.store.prisma.client import BridgedPrisma
from chat_sessions.store.prisma.options import EngineOptions
from tests.engine.bridge import MakeDatabase, new_session, of_ada

SHAPES = [
    {},
    [],
    "text",
    "",
    0,
    -1.5,
    True,
    [None, {"a": [None]}],
    {"$type": "BigInt", "value": "1"},
    {"$type": "Json", "value": {"$type": "x"}},
    {"__proto__": {"x": 1}, "constructor": 2, "toString": 3},
    {"order_by": 1, "startswith": {"not_in": 2}},
    10**18,
    -(2**63),
    1e21,
    1.5e-300,
    {"\u2028": "\u2029\u0085\u007f\u0001\r\n\t"},
    {"": {"'": '"', "\\": "\\u0041"}},
    {"emoji": "👩‍👩‍👧 🇺🇦 ﷽", "sql": "'; DROP TABLE x; --"},
]


@pytest.mark.parametrize("value", SHAPES, ids=repr)
async def test_json_of_any_shape_survives(db: BridgedPrisma, database: asyncpg.Pool, value: Any) -> None:  # noqa: ANN401
    written = await db.chatsession.create(data={"id": "a", "userId": "ada", "metadata": Json(value)})
    read = await db.chatsession.find_unique_or_raise(where=of_ada("a"))
    stored = json.loads(await database.fetchval('SELECT "metadata" FROM "ChatSession"'))
    assert written.metadata == read.metadata == stored == value


@pytest.mark.parametrize("value", [*SHAPES, None, 2**60 + 1], ids=repr)
async def test_json_of_any_shape_survives_raw_queries(db: BridgedPrisma, value: Any) -> None:  # noqa: ANN401
    assert await db.query_first("SELECT $1::jsonb AS value, NULL::json AS nothing", Json(value)) == {
        "value": value,
        "nothing": None,
    }


async def test_json_of_a_raw_query_fills_prismas_models(db: BridgedPrisma) -> None:
    await db.chatsession.create(data={"id": "a", "userId": "ada", "metadata": Json("text, not JSON")})
    for number in range(2):
        await db.chatmessage.create(
            data={
                "userId": "ada",
                "id": f"{number}",
                "sessionId": "a",
                "role": "user",
                "sequence": number,
                "body": Json(2**60 + number),
            }
        )
    sessions = await db.query_raw('SELECT * FROM "ChatSession"', model=ChatSession)
    async with db.tx() as tx:
        messages = await tx.query_raw('SELECT * FROM "ChatMessage" ORDER BY "sequence"', model=ChatMessage)
    assert sessions == await db.chatsession.find_many()
    assert messages == await db.chatmessage.find_many(order={"sequence": "asc"})


async def test_bytes_in_raw_queries_are_text(db: BridgedPrisma) -> None:
    text = 'ü\n"👩'
    assert await db.query_first("SELECT $1::text AS value, $2::jsonb AS json", text.encode(), b'["\\u00fc"]') == {
        "value": text,
        "json": ["ü"],
    }


async def test_big_integers_survive_raw_queries(db: BridgedPrisma) -> None:
    row = await db.query_first("SELECT $1::bigint AS one, ARRAY[$1::bigint] AS list", 2**60 + 1)
    assert row == {"one": 2**60 + 1, "list": [2**60 + 1]}


async def test_json_is_distinguished_from_strings(db: BridgedPrisma, database: asyncpg.Pool) -> None:
    await db.chatsession.create(data={"id": "a", "userId": "ada", "metadata": Json.keys(a=1)})
    assert await database.fetchval('SELECT json_typeof("metadata") FROM "ChatSession"') == "object"


async def test_json_null_is_stored_for_none(db: BridgedPrisma, database: asyncpg.Pool) -> None:
    await db.chatsession.create(data={"id": "a", "userId": "ada", "metadata": Json(None)})
    assert await database.fetchval('SELECT "metadata"::text FROM "ChatSession"') == "null"


async def test_a_megabyte_of_json_survives(db: BridgedPrisma) -> None:
    text = "ü\u2028👩" * 120_000
    await db.chatsession.create(data={"id": "a", "userId": "ada", "metadata": Json.keys(text=text)})
    assert (await db.chatsession.find_unique_or_raise(where=of_ada("a"))).metadata["text"] == text


@pytest.mark.parametrize("number", [0, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)])
async def test_big_integers_keep_their_digits(db: BridgedPrisma, number: int) -> None:
    # Not committed, so that no sweeper takes the row.
    async with db.tx() as transaction:
        outbox = transaction.outbox
        written = await outbox.create(data={"id": number, "userId": "ada", "sessionId": "a", "change": "x"})
        read = await outbox.find_unique(where={"id_userId": {"id": number, "userId": "ada"}})
        assert read is not None
        assert written.id == read.id == number
        assert await outbox.delete_many(where={"id": {"in": [number]}}) == 1


TEXTS = ["", " ", "\u2028\u2029\u0085", "\x01\x1f\x7f", "line\r\n\ttab", "'\"`\\$1%_", "👩‍👩‍👧", "ﷺ" * 5000]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
async def test_text_survives(db: BridgedPrisma, text: str) -> None:
    written = await new_session(db, f"id {text[:10]}", title=text)
    read = await db.chatsession.find_first(where={"id": f"id {text[:10]}", "title": text})
    assert read is not None
    assert written.title == read.title == text


async def test_a_nul_is_a_data_error(db: BridgedPrisma) -> None:
    with pytest.raises(DataError, match="0x00"):
        await new_session(db, "a\0b")


async def test_a_lone_surrogate_is_an_error_and_leaves_no_pending_call(db: BridgedPrisma) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        await new_session(db, "a\ud800")
    assert (await new_session(db, "a")).id == "a"


async def test_a_nan_is_an_error(db: BridgedPrisma) -> None:
    with pytest.raises(FieldNotFoundError, match="take"):
        await db.chatsession.find_many(take=float("nan"))  # type: ignore[arg-type]


@pytest.mark.parametrize("offset", [0, 5.5, -8])
async def test_a_timestamp_survives_a_server_that_is_not_in_utc(make_database: MakeDatabase, offset: float) -> None:
    url = await make_database("kathmandu", migrated=True)
    moment = datetime(2026, 7, 1, 23, 30, 0, 123000, tzinfo=timezone(timedelta(hours=offset)))
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as database:
        await database.execute("ALTER DATABASE kathmandu SET timezone = 'Asia/Kathmandu'")
        async with BridgedPrisma(EngineOptions(url)) as db:
            written = await db.chatsession.create(data={"id": "a", "userId": "ada", "createdAt": moment})
            assert await db.chatsession.count(where={"createdAt": moment}) == 1
            raw = await db.query_first('SELECT "createdAt" FROM "ChatSession"')
        stored = await database.fetchval('SELECT "createdAt" FROM "ChatSession"')
    assert written.createdAt == stored == datetime.fromisoformat(raw["createdAt"]) == moment


async def test_defaults_use_the_databases_clock(db: BridgedPrisma, database: asyncpg.Pool) -> None:
    before = await database.fetchval("SELECT now()")
    session = await new_session(db, "a")
    assert timedelta(milliseconds=-1) <= session.createdAt - before < timedelta(seconds=10)
    assert session.createdAt.astimezone(UTC) == session.updatedAt
