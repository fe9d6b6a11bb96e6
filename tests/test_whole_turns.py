"""With `whole_turns` no page begins with a tool result."""

from typing import Any

import pytest
from redis.asyncio import Redis

from chat_sessions.cache.keys import UserKeys
from chat_sessions.store.sql_reads import MAX_ADDED, MAX_PAGE_BYTES
from tests.caching import cached
from tests.service import Caller, Service
from tests.waiting import until

ASK = {"role": "user", "content": "What is the weather in Lisbon and Porto?"}
CALL = {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather"}}]}
TOOL = {"role": "tool", "tool_call_id": "1", "content": "22 degrees"}
FUNCTION = {"role": "function", "name": "weather", "content": "22 degrees"}
ANTHROPIC = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "22 degrees"}]}
MIXED = {"role": "user", "content": [*ANTHROPIC["content"], {"type": "text", "text": "Go on."}]}
PARTS = {"role": "user", "content": [{"type": "text", "text": "tool_result"}]}
TEXT = {"role": "user", "content": "tool_result"}
WORDS = {"role": "assistant", "content": [{"type": "tool_result"}]}
ANSWER = {"role": "assistant", "content": "It is warm."}


async def shown(caller: Caller, session_id: str, **params: Any) -> list[int]:  # noqa: ANN401  any parameter
    response = await caller.get(session_id, **{"whole_turns": "true", **params})
    assert response.status_code == 200
    page = response.json()
    sequences = [each["sequence"] for each in page["messages"]]
    assert sequences == list(range(sequences[0], sequences[-1] + 1))
    assert (page["oldest_sequence"], page["has_more_messages"]) == (sequences[0], sequences[0] > 0)
    return sequences


@pytest.mark.parametrize("result", [TOOL, FUNCTION, ANTHROPIC, MIXED], ids=["tool", "function", "part", "parts"])
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_a_page_grows_back_to_the_call(result: dict[str, Any], limit: int, ada: Caller) -> None:
    session_id = (await ada.create(messages=[ASK, CALL, result, result, result]))["id"]
    assert await shown(ada, session_id, limit=limit) == [1, 2, 3, 4]
    assert await shown(ada, session_id, limit=limit, before_sequence=4) == [1, 2, 3]


@pytest.mark.parametrize("other", [ASK, CALL, PARTS, TEXT, WORDS, ANSWER], ids=range(6))
async def test_a_page_that_begins_with_another_message_does_not_grow(other: dict[str, Any], ada: Caller) -> None:
    session_id = (await ada.create(messages=[ASK, CALL, TOOL, other, TOOL, ANSWER]))["id"]
    assert await shown(ada, session_id, limit=3) == [3, 4, 5]


async def test_pages_follow_each_other_without_gaps(ada: Caller) -> None:
    turn = [ASK, CALL, TOOL, TOOL, ANSWER]
    session_id = (await ada.create(messages=turn * 4))["id"]
    seen: list[int] = []
    while not seen or seen[0]:
        page = await shown(ada, session_id, limit=2, before_sequence=seen[0] if seen else 20)
        assert turn[page[0] % 5] != TOOL
        seen = page + seen
    assert seen == list(range(20))


async def test_without_it_a_page_has_its_limit(ada: Caller) -> None:
    session_id = (await ada.create(messages=[ASK, CALL, TOOL, TOOL]))["id"]
    assert await shown(ada, session_id, limit=1, whole_turns="false") == [3]
    response = await ada.get(session_id, limit=1)
    assert [each["sequence"] for each in response.json()["messages"]] == [3]


async def test_a_session_that_begins_with_results_is_shown_from_its_beginning(ada: Caller) -> None:
    session_id = (await ada.create(messages=[TOOL, TOOL, TOOL]))["id"]
    assert await shown(ada, session_id, limit=1) == [0, 1, 2]


async def test_an_empty_session_has_an_empty_page(ada: Caller) -> None:
    session_id = (await ada.create())["id"]
    page = (await ada.get(session_id, whole_turns=True)).json()
    assert (page["messages"], page["has_more_messages"], page["oldest_sequence"]) == ([], False, None)


async def test_a_page_grows_by_a_bounded_number_of_messages(ada: Caller) -> None:
    session_id = (await ada.create(messages=[CALL]))["id"]
    for _ in range(0, MAX_ADDED + 50, 50):
        await ada.http.post(f"/api/chat/sessions/{session_id}/messages", json={"messages": [TOOL] * 50})
    assert await shown(ada, session_id, limit=MAX_ADDED) == list(range(MAX_ADDED + 51))
    assert len(await shown(ada, session_id, limit=3)) == MAX_ADDED + 3


async def test_a_page_grows_up_to_its_bytes(ada: Caller) -> None:
    session_id = (await ada.create(messages=[CALL]))["id"]
    for _ in range(6):
        await ada.append(session_id, "x" * 1_000_000, role="tool")
    response = await ada.get(session_id, limit=2, whole_turns=True)
    assert len(response.content) < MAX_PAGE_BYTES + 1000
    assert await shown(ada, session_id, limit=2) == [3, 4, 5, 6]


async def test_pages_with_and_without_it_are_cached_separately(ada: Caller, service: Service, redis: Redis) -> None:
    session_id = (await ada.create(messages=[ASK, CALL, TOOL]))["id"]
    await cached(redis, ada, [session_id])

    async def both_are_cached() -> bool:
        sizes = [len((await ada.get(session_id, limit=1, whole_turns=each)).json()["messages"]) for each in (0, 1)]
        assert sizes == [1, 2]
        return bool(await redis.hlen(UserKeys("ada").session(session_id)) == 2 * 3)

    await until(both_are_cached)
    statements = service.record_statements()
    assert await both_are_cached()
    assert statements() == []
