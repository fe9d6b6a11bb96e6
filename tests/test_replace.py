"""Replacing a message."""

from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.caching import CACHED_LIMIT, cached
from tests.service import Caller, Service, new_id

IDS = ("a", "b", "c")


@pytest.fixture
async def session_id(ada: Caller) -> str:
    """A session of three messages, a to c."""
    created: str = (await ada.create("Chat", messages=[{"role": "user", "content": each, "id": each} for each in IDS]))[
        "id"
    ]
    return created


def path(session_id: str, message_id: str) -> str:
    return f"/api/chat/sessions/{session_id}/messages/{message_id}"


async def message(caller: Caller, session_id: str, sequence: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = (await caller.get(session_id)).json()["messages"][sequence]
    return found


async def test_the_message_is_replaced_as_a_whole(ada: Caller, session_id: str, database: asyncpg.Pool) -> None:
    old = await message(ada, session_id)
    response = await ada.replace(session_id, "b", "B", role="assistant", model="small", metadata={"n": 1})
    assert response.status_code == 200
    expected = {**old, "content": "B", "role": "assistant", "model": "small", "metadata": {"n": 1}}
    assert response.json() == expected == await message(ada, session_id)
    assert await database.fetchval("""SELECT "role" FROM "ChatMessage" WHERE "id" = 'b'""") == "assistant"
    again = await ada.replace(session_id, "b", "again")
    assert again.json() == {**old, "content": "again"}


async def test_other_messages_stay_unchanged(ada: Caller, bob: Caller, session_id: str) -> None:
    other = (await ada.create(messages=[{"role": "user", "content": "b", "id": "b"}]))["id"]
    await bob.create(id=session_id, messages=[{"role": "user", "content": "his", "id": "b"}])
    await ada.replace(session_id, "b", "B")
    assert await ada.contents(session_id) == [(0, "a"), (1, "B"), (2, "c")]
    assert await ada.contents(other) == [(0, "b")]
    assert await bob.contents(session_id) == [(0, "his")]


async def test_keys_and_numbers_keep_their_spelling(ada: Caller, session_id: str) -> None:
    body = '{"z": 1.50, "role":"user",  "a":1e2}'
    response = await ada.http.put(path(session_id, "b"), content=body, headers={"Content-Type": "application/json"})
    assert response.text.endswith(body.removeprefix("{"))
    assert (await ada.get(session_id)).text.count(body.removeprefix("{")) == 1


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": "b"}], ids=["left out", "null", "the same"])
async def test_the_id_is_the_one_in_the_path(given: dict[str, Any], ada: Caller, session_id: str) -> None:
    response = await ada.replace(session_id, "b", "B", **given)
    assert (response.status_code, response.json()["id"], response.text.count('"id"')) == (200, "b", 1)


@pytest.mark.parametrize(
    "body",
    [
        {"role": "user", "id": "a"},
        {"role": "user", "id": ""},
        {"role": "User"},
        {"content": "no role"},
        {"role": "user", "content": "\0"},
        {"role": "user", "sequence": 7},
        {"role": "user", "created_at": "2026-01-01T00:00:00Z"},
        {"role": "user", "metadata": {"a": "x" * 70_000}},
        {"role": "user", "content": "x" * (1024 * 1024)},
        [],
    ],
    ids=range(10),
)
async def test_an_invalid_message_is_422_and_replaces_nothing(body: object, ada: Caller, session_id: str) -> None:
    before = await ada.get(session_id)
    assert (await ada.http.put(path(session_id, "b"), json=body)).status_code == 422
    after = await ada.get(session_id)
    assert (after.headers["ETag"], after.content) == (before.headers["ETag"], before.content)


@pytest.mark.parametrize("message_id", ["é😀", "a/b", "../../etc", "a b?c#d%2F", "'; --", "x" * 128])
async def test_any_id_can_be_addressed(message_id: str, ada: Caller, session_id: str) -> None:
    await ada.append(session_id, "d", id=message_id)
    response = await ada.replace(session_id, message_id, "D")
    assert (response.status_code, response.json()["id"], response.json()["content"]) == (200, message_id, "D")


async def test_a_replacement_leaves_updated_at_and_the_place_in_the_list(ada: Caller, session_id: str) -> None:
    before = (await ada.get(session_id)).json()["updated_at"]
    await ada.create("newer")
    await ada.replace(session_id, "c", "C")
    assert (await ada.get(session_id)).json()["updated_at"] == before
    assert await ada.titles() == ["newer", "Chat"]


async def test_a_replacement_increments_the_version_once(ada: Caller, session_id: str, database: asyncpg.Pool) -> None:
    version = 'SELECT "version" FROM "ChatSession"'
    before = await database.fetchval(version)
    await ada.replace(session_id, "b", "B")
    assert await database.fetchval(version) == before + 1


async def test_cached_pages_show_the_new_message(ada: Caller, session_id: str, redis: Redis) -> None:
    await cached(redis, ada, [session_id])
    await ada.replace(session_id, "b", "B")
    assert await ada.contents(session_id, CACHED_LIMIT) == [(0, "a"), (1, "B"), (2, "c")]


async def test_the_returned_etag_is_the_sessions(ada: Caller, session_id: str) -> None:
    etag = (await ada.get(session_id)).headers["ETag"]
    for content in ("B", "BB"):
        response = await ada.replace(session_id, "b", content, if_match=etag)
        assert response.status_code == 200
        etag = response.headers["ETag"]
    assert (await ada.get(session_id)).headers["ETag"] == etag


@pytest.mark.parametrize("etag", ['"1"', '"no version"'])
async def test_another_etag_is_412_and_replaces_nothing(etag: str, ada: Caller, session_id: str) -> None:
    response = await ada.replace(session_id, "b", "B", if_match=etag)
    assert (response.status_code, response.json()["type"]) == (412, "urn:chat-sessions:precondition-failed")
    assert await ada.contents(session_id) == [(0, "a"), (1, "b"), (2, "c")]


async def test_every_missing_message_is_the_same_404(ada: Caller, bob: Caller, session_id: str) -> None:
    before = await ada.get(session_id)
    etag = before.headers["ETag"]
    responses = [
        await ada.replace(session_id, "unknown", "B"),
        await ada.replace(session_id, "nul\0", "B"),
        await ada.replace(session_id, "", "B"),
        await ada.replace(session_id, "unknown", "B", if_match='"1"'),
        await ada.replace(new_id(), "b", "B"),
        await bob.replace(session_id, "b", "B"),
        await bob.replace(session_id, "b", "B", if_match=etag),
    ]
    assert {(each.status_code, each.content) for each in responses} == {(404, responses[0].content)}
    assert responses[0].json()["type"] == "urn:chat-sessions:message-not-found"
    after = await ada.get(session_id)
    assert (after.headers["ETag"], after.content) == (etag, before.content)


async def test_an_append_with_the_old_content_is_409(ada: Caller, session_id: str) -> None:
    await ada.replace(session_id, "b", "B")
    assert (await ada.append(session_id, "b", id="b")).status_code == 409
    assert (await ada.append(session_id, "B", id="b")).status_code == 201


async def test_other_methods_are_405(ada: Caller, session_id: str) -> None:
    response = await ada.http.get(path(session_id, "b"))
    assert (response.status_code, response.headers["Allow"]) == (405, "PUT")


async def test_a_message_may_be_as_large_as_an_appended_one(ada: Caller, service: Service, session_id: str) -> None:
    limit = service.settings.max_message_bytes
    assert (await ada.replace(session_id, "b", "x" * (limit - 1000))).status_code == 200
    assert (await ada.replace(session_id, "b", "x" * limit)).status_code == 422
