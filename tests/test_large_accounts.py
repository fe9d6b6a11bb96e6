"""Users with a hundred thousand sessions or messages."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from chat_sessions.settings import Settings
from tests.service import Caller, Service, running

WITHOUT_TRIGGERS = "SET LOCAL session_replication_role = replica"
SESSIONS = """
INSERT INTO "ChatSession" ("userId", "id", "title", "titleKey", "metadata", "messageCount", "updatedAt")
SELECT 'ada', lpad(n::text, 8, '0'), 'Chat ' || n, 'chat ' || n,
    json_build_object('n', n, 'project', json_build_object('x', n % 1000)), $2::int, now() - make_interval(secs => n)
FROM generate_series(1, $1::int) AS n
"""
# Just below the size that Postgres would compress.
MESSAGES = """
INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "searchKey", "sequence")
SELECT 'ada', "id", n::text, 'user', json_build_object('content', 'Message ' || "text"), 'message ' || "text", n
FROM (SELECT "id", repeat("id" || ' ', 100) AS "text" FROM "ChatSession" WHERE "userId" = 'ada') AS sessions,
    generate_series(0, $1::int - 1) AS n
"""
SEARCH = "/api/chat/sessions/search"


async def fill(database: asyncpg.Pool, sessions: int, messages: int) -> None:
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(WITHOUT_TRIGGERS)
        await connection.execute(SESSIONS, sessions, messages)
        await connection.execute(MESSAGES, messages)


async def test_metadata_is_found_among_a_hundred_thousand_sessions(ada: Caller, database: asyncpg.Pool) -> None:
    await fill(database, sessions=100_000, messages=0)
    titles: list[str] = []
    query: dict[str, str | int] = {"metadata": '{"project":{"x":7.0}}', "limit": 60}
    while True:
        page = (await ada.page(**query)).json()
        assert page["total"] == 100
        titles += [each["title"] for each in page["sessions"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert titles == [f"Chat {n}" for n in range(7, 100_000, 1000)]
    last = (await ada.page(metadata=json.dumps({"n": 100_000}))).json()
    assert [each["title"] for each in last["sessions"]] == ["Chat 100000"]


@pytest.fixture
async def impatient(settings: Settings, service: Service) -> AsyncIterator[Service]:  # noqa: ARG001  migrated
    """A worker with the statement timeout of production."""
    timeout = Settings.model_fields["database_statement_timeout"].default
    async with running(settings.model_copy(update={"database_statement_timeout": timeout})) as worker:
        yield worker


@pytest.mark.nightly
async def test_a_search_of_200_mb_finds_the_oldest_message_while_others_are_served(
    impatient: Service, database: asyncpg.Pool
) -> None:
    await fill(database, sessions=5_000, messages=20)
    async with impatient.client("ada") as ada, impatient.client("bob") as bob_client:
        bob = Caller(bob_client)
        session_id = (await bob.create("Lisbon"))["id"]

        async def oldest() -> list[str]:
            found, cursor = list[str](), ""
            while True:
                response = await ada.get(SEARCH, params={"q": "message 00005000", "cursor": cursor})
                assert response.status_code == 200, response.text
                found += [each["session"]["title"] for each in response.json()["results"]]
                if (cursor := response.json()["next_cursor"]) is None:
                    return found

        searching = asyncio.create_task(oldest())
        served = []
        while not searching.done():
            served += [await bob.append(session_id, "hi"), await bob.page(), await bob.get(session_id)]
        assert await searching == ["Chat 5000"]
    assert {response.status_code for response in served} == {200, 201}
