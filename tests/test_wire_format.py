"""Postgres builds the same JSON as the schemas."""

import json
from datetime import UTC, datetime

import asyncpg
import pytest
from pydantic import BaseModel

from chat_sessions.contract.messages import AppendedMessages
from chat_sessions.contract.schemas import Session, SessionList
from tests.service import Caller

ODD = {"a": [1, 1.5, True, None, {"ü": '\u2028 \U0001f600 " \\ \n'}], "big": 10**20, "": ""}


def assert_as_written_by(model: type[BaseModel], body: bytes) -> None:
    written = model.model_validate_json(body).model_dump_json()
    assert json.loads(body) == json.loads(written)
    # The order of the names must match as well.
    assert list(json.loads(body)) == list(json.loads(written))


@pytest.mark.parametrize("microsecond", [0, 1000, 120_000, 123_000])
async def test_reads_and_appends_are_serialized_as_by_the_schemas(
    microsecond: int, ada: Caller, database: asyncpg.Pool
) -> None:
    session_id = (await ada.create('"quoted" \\ title', metadata=ODD))["id"]
    assert_as_written_by(Session, (await ada.get(session_id)).content)
    messages = [
        {"role": "user", "content": "hi\u0085", "metadata": ODD},
        {"role": "assistant", "content": [ODD], "name": "n", "refusal": "r", "tool_calls": [ODD], "function_call": ODD},
        {"role": "tool", "content": None, "tool_call_id": "t"},
    ]
    path = f"/api/chat/sessions/{session_id}/messages"
    appended = await ada.http.post(path, json={"messages": messages})
    assert_as_written_by(AppendedMessages, appended.content)
    moment = datetime(2026, 3, 4, 5, 6, 7, microsecond, tzinfo=UTC)
    await database.execute('UPDATE "ChatSession" SET "createdAt" = $1, "updatedAt" = $1', moment)
    await database.execute('UPDATE "ChatMessage" SET "createdAt" = $1', moment)
    opened = await ada.get(session_id)
    assert_as_written_by(Session, opened.content)
    assert [each["metadata"] for each in opened.json()["messages"]] == [ODD, {}, {}]
    assert_as_written_by(SessionList, (await ada.page()).content)
    assert_as_written_by(SessionList, (await ada.page(limit=1, q="quoted")).content)
