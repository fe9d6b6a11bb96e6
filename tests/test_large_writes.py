"""Writes of megabytes take turns, so that worker and engine hold few copies; others need no turn."""

import asyncio
from functools import partial
from typing import Any

import asyncpg
import pytest

from chat_sessions.store.session_store import LARGE_WRITES_AT_ONCE, ORDINARY_BYTES
from tests.service import Caller, new_id
from tests.waiting import until

LARGE = "x" * ORDINARY_BYTES
SENT = LARGE_WRITES_AT_ONCE + 2


async def waiting(database: asyncpg.Pool, number: int) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return bool(await database.fetchval(query) == number)


@pytest.mark.parametrize("kind", ["append", "create"])
async def test_few_large_writes_are_under_way_at_once_and_all_are_made(
    kind: str, ada: Caller, database: asyncpg.Pool
) -> None:
    other, ids = (await ada.create())["id"], [new_id() for _ in range(SENT)]
    message = {"role": "user", "content": LARGE}
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        insert = """INSERT INTO "ChatSession" ("id", "userId") SELECT unnest($1::text[]), 'ada'"""
        if kind == "append":
            await database.execute(insert, ids)
            await connection.execute('SELECT FROM "ChatSession" WHERE "id" = ANY($1) FOR UPDATE', ids)
            calls: list[Any] = [partial(ada.append, each, LARGE) for each in ids]
        else:
            await connection.execute(insert, ids)
            calls = [partial(ada.create, id=each, messages=[message]) for each in ids]
        writes = [asyncio.create_task(call()) for call in calls]
        await until(lambda: waiting(database, LARGE_WRITES_AT_ONCE))
        assert (await ada.append(other, "small")).status_code == 201
        assert await waiting(database, LARGE_WRITES_AT_ONCE)
        await transaction.rollback()
        await asyncio.gather(*writes)
    assert [len((await ada.get(each)).json()["messages"]) for each in ids] == [1] * SENT
