"""Messages: contents, order, and idempotent repeats."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from chat_sessions.store.sql_reads import MAX_PAGE_BYTES
from tests.service import Caller, Service, new_id

NULLABLE = ("content", "name", "tool_call_id", "refusal", "tool_calls", "function_call")
EMPTY: dict[str, Any] = {**dict.fromkeys(NULLABLE), "metadata": {}}
FIELDS = {"id", "sequence", "created_at", "role", *EMPTY}
CALL = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"q": "a"}'}}


def path(session_id: str) -> str:
    return f"/api/chat/sessions/{session_id}/messages"


@pytest.fixture
async def session_id(ada: Caller) -> str:
    created: str = (await ada.create("Chat"))["id"]
    return created


class TestRoundTrip:
    @pytest.mark.parametrize(
        "message",
        [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "Be briefer."},
            {"role": "user", "content": "Hello", "name": "Ada"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "assistant", "refusal": "I cannot help with that."},
            {"role": "assistant", "content": None, "function_call": {"name": "search", "arguments": "{}"}},
            {"role": "tool", "content": "42", "tool_call_id": "call_1"},
            {"role": "function", "content": "42", "name": "search"},
            {"role": "user", "content": [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {}}]},
            {"role": "user", "content": []},
            {"role": "user", "content": ""},
            {"role": "assistant", "tool_calls": []},
            {"role": "assistant", "function_call": {}},
            {"role": "user", "content": "null"},
            {"role": "user", "content": '{"not": "parsed"}'},
            {"role": "user", "content": '\u2028\u2029\u0085\ufeff\x01\x7f 👩‍👩‍👧 "quoted" \\ \r\n'},
            {"role": "user", "content": "x", "metadata": {"nested": {"list": [1, 2.5, None, True]}}},
            {"role": "user", "content": [{"$type": "Json", "value": "1"}]},
        ],
        ids=range(18),
    )
    @pytest.mark.parametrize("way", ["create", "append"])
    async def test_a_message_is_returned_as_it_was_sent(self, way: str, message: dict[str, Any], ada: Caller) -> None:
        expected = {**EMPTY, **message, "sequence": 0}
        if way == "create":
            created = await ada.create(messages=[message])
        else:
            created = await ada.create()
            response = await ada.http.post(path(created["id"]), json={"messages": [message]})
            assert response.status_code == 201
            assert {name: response.json()["messages"][0][name] for name in expected} == expected
        stored = (await ada.get(created["id"])).json()["messages"][0]
        assert {name: stored[name] for name in expected} == expected
        assert set(stored) == FIELDS

    async def test_an_append_returns_what_a_get_returns(self, ada: Caller, session_id: str) -> None:
        appended = (await ada.append(session_id, "a", "b")).json()
        assert appended["messages"] == (await ada.get(session_id)).json()["messages"]

    async def test_an_append_updates_updated_at_and_the_place_in_the_list(self, ada: Caller, session_id: str) -> None:
        before = (await ada.get(session_id)).json()["updated_at"]
        await ada.create("newer")
        await ada.append(session_id, "a")
        assert (await ada.get(session_id)).json()["updated_at"] > before
        assert await ada.titles() == ["Chat", "newer"]

    @pytest.mark.parametrize("message_id", ["x", "x" * 128, "é😀", "../../etc", "a b", "'; --"])
    async def test_a_clients_id_is_kept(self, message_id: str, ada: Caller, session_id: str) -> None:
        assert (await ada.append(session_id, "a", id=message_id)).json()["messages"][0]["id"] == message_id


class TestLimits:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"messages": []},
            {"messages": None},
            {"messages": {"role": "user"}},
            {"messages": [{"role": "user"}] * 101},
            {"messages": [{"role": "user"}], "unknown": 1},
            {"messages": [{"content": "no role"}]},
            {"messages": [{"role": "User"}]},
            {"messages": [{"role": None}]},
            {"messages": [{"role": "user", "content": 1}]},
            {"messages": [{"role": "user", "content": {"type": "text"}}]},
            {"messages": [{"role": "user", "content": ["text"]}]},
            {"messages": [{"role": "user", "content": "\0"}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "\0"}]}]},
            {"messages": [{"role": "user", "name": "\0"}]},
            {"messages": [{"role": "user", "name": "x" * 257}]},
            {"messages": [{"role": "tool", "tool_call_id": "x" * 257}]},
            {"messages": [{"role": "tool", "tool_call_id": "\0"}]},
            {"messages": [{"role": "assistant", "refusal": "\0"}]},
            {"messages": [{"role": "assistant", "tool_calls": {}}]},
            {"messages": [{"role": "assistant", "tool_calls": ["x"]}]},
            {"messages": [{"role": "assistant", "tool_calls": [{"a": "\0"}]}]},
            {"messages": [{"role": "assistant", "function_call": "x"}]},
            {"messages": [{"role": "assistant", "function_call": {"\0": 1}}]},
            {"messages": [{"role": "user", "metadata": None}]},
            {"messages": [{"role": "user", "metadata": {"a": "\0"}}]},
            {"messages": [{"role": "user", "id": ""}]},
            {"messages": [{"role": "user", "id": "x" * 129}]},
            {"messages": [{"role": "user", "id": "\0"}]},
            {"messages": [{"role": "user", "id": 1}]},
            {"messages": [{"role": "user", "sequence": 7}]},
            {"messages": [{"role": "user", "id": "twice"}, {"role": "user", "id": "twice"}]},
        ],
        ids=range(32),
    )
    async def test_invalid_messages_are_422_and_store_nothing(self, body: object, ada: Caller, session_id: str) -> None:
        before = (await ada.get(session_id)).json()
        assert (await ada.http.post(path(session_id), json=body)).status_code == 422
        assert (await ada.get(session_id)).json() == before

    async def test_a_hundred_messages_are_appended_at_once(self, ada: Caller, session_id: str) -> None:
        texts = [str(number) for number in range(100)]
        assert (await ada.append(session_id, *texts)).status_code == 201
        assert await ada.contents(session_id) == list(enumerate(texts))

    async def test_a_message_may_be_as_large_as_the_setting_but_no_larger(
        self, ada: Caller, service: Service, session_id: str
    ) -> None:
        limit = service.settings.max_message_bytes
        assert (await ada.append(session_id, "x" * (limit - 1000))).status_code == 201
        for text in ("x" * limit, "é" * (limit // 2)):
            response = await ada.append(session_id, text)
            assert (response.status_code, response.json()["type"]) == (422, "urn:chat-sessions:invalid-request")
        assert len(await ada.contents(session_id)) == 1

    async def test_message_metadata_has_the_limits_of_session_metadata(
        self, ada: Caller, service: Service, session_id: str
    ) -> None:
        metadata = {"a": "x" * service.settings.max_metadata_bytes}
        assert (await ada.append(session_id, "a", metadata=metadata)).status_code == 422

    @pytest.mark.parametrize(("levels", "status"), [(60, 201), (70, 422), (200, 422), (250, 422), (900, 422)])
    @pytest.mark.parametrize("around", ["metadata", "content", "function_call"])
    async def test_stored_json_is_readable_at_any_depth(
        self, around: str, levels: int, status: int, ada: Caller, session_id: str
    ) -> None:
        nested: dict[str, Any] = {}
        for _ in range(levels):
            nested = {"deeper": nested}
        fields: dict[str, Any] = {around: [nested] if around == "content" else nested}
        response = await ada.append(session_id, "a", **fields)
        assert response.status_code == status
        assert (await ada.get(session_id)).status_code == 200


async def append_text(caller: Caller, session_id: str, messages: str) -> httpx.Response:
    body = f'{{"messages":[{messages}]}}'.encode()
    return await caller.http.post(path(session_id), content=body, headers={"Content-Type": "application/json"})


class TestSequences:
    async def test_start_at_zero_and_have_no_gaps(self, ada: Caller, session_id: str) -> None:
        await ada.append(session_id, "a", "b")
        await ada.append(session_id, "c")
        assert await ada.contents(session_id) == [(0, "a"), (1, "b"), (2, "c")]

    async def test_thirty_two_concurrent_appends_are_stored_with_dense_sequences(
        self, ada: Caller, session_id: str
    ) -> None:
        responses = await asyncio.gather(*(ada.append(session_id, f"{n} a", f"{n} b") for n in range(32)))
        assert {each.status_code for each in responses} == {201}
        stored = await ada.contents(session_id)
        assert [sequence for sequence, _ in stored] == list(range(64))
        assert {content for _, content in stored} == {f"{n} {letter}" for n in range(32) for letter in "ab"}
        # Each call's messages are adjacent, in order, and have the sequences that it returned.
        for response in responses:
            first, second = response.json()["messages"]
            assert stored[first["sequence"]][1] == first["content"]
            assert (second["sequence"], second["content"][-1]) == (first["sequence"] + 1, "b")

    async def test_concurrent_repeats_are_stored_once(self, ada: Caller, session_id: str) -> None:
        responses = await asyncio.gather(*(ada.append(session_id, "once", id="m1") for _ in range(16)))
        assert {(each.status_code, each.text) for each in responses} == {(201, responses[0].text)}
        assert await ada.contents(session_id) == [(0, "once")]


class TestRepeats:
    async def test_a_repeat_returns_the_first_response_and_adds_nothing(self, ada: Caller, session_id: str) -> None:
        first = await ada.append(session_id, "a", id="m1")
        again = await ada.append(session_id, "a", id="m1")
        assert (again.status_code, again.content) == (201, first.content)
        assert await ada.contents(session_id) == [(0, "a")]

    @pytest.mark.parametrize(
        "same",
        [
            '{"id":"m1","role":"user","content":[{"n":1.0,"a":"\u00e9"}]}',
            '{ "role" : "user", "content":[{"a":"\\u00E9","n":1}],\n"id":"m1" }',
            '{"id":"m1","role":"user","content":[{"n":10e-1,"a":"\u00e9"}],"name":null,"metadata":{}}',
        ],
        ids=["the same text", "in other words", "with what is left out"],
    )
    async def test_a_repeat_may_be_spelled_differently(self, same: str, ada: Caller, session_id: str) -> None:
        first = await append_text(ada, session_id, '{"id":"m1","role":"user","content":[{"n":1.0,"a":"\u00e9"}]}')
        again = await append_text(ada, session_id, same)
        assert (again.status_code, again.content) == (201, first.content)

    @pytest.mark.parametrize(
        "other",
        [
            '{"id":"m1","role":"user","content":"b"}',
            '{"id":"m1","role":"assistant","content":"a"}',
            '{"id":"m1","role":"user","content":"a","name":"n"}',
            '{"id":"m1","role":"user","content":"a","unknown":null}',
            '{"id":"m1","role":"user","content":"a","unknown":1e200000}',
        ],
        ids=["content", "role", "name", "unknown field", "a number that cannot be compared"],
    )
    async def test_a_known_id_with_other_content_is_409_and_adds_nothing(
        self, other: str, ada: Caller, session_id: str
    ) -> None:
        await ada.append(session_id, "a", id="m1")
        before = (await ada.get(session_id)).json()
        response = await append_text(ada, session_id, f'{{"id":"m2","role":"user"}},{other}')
        assert (response.status_code, response.json()["type"]) == (409, "urn:chat-sessions:message-id-taken")
        assert (await ada.get(session_id)).json() == before

    async def test_a_repeat_with_more_messages_adds_only_the_new_ones(self, ada: Caller, session_id: str) -> None:
        messages = [{"role": "user", "content": letter, "id": letter} for letter in "abcd"]
        await ada.http.post(path(session_id), json={"messages": messages[:2]})
        response = await ada.http.post(path(session_id), json={"messages": messages[1:]})
        stored = response.json()["messages"]
        assert [(each["sequence"], each["content"]) for each in stored] == [(1, "b"), (2, "c"), (3, "d")]
        assert await ada.contents(session_id) == [(0, "a"), (1, "b"), (2, "c"), (3, "d")]

    async def test_a_repeat_of_the_creates_messages_adds_nothing(self, ada: Caller) -> None:
        created = await ada.create(messages=[{"role": "user", "content": "a", "id": "m1"}])
        await ada.append(created["id"], "a", id="m1")
        assert await ada.contents(created["id"]) == [(0, "a")]

    async def test_a_repeated_create_returns_the_session_whatever_its_messages_have_become(self, ada: Caller) -> None:
        session_id = new_id()
        body = {"id": session_id, "messages": [{"role": "user", "content": each, "id": each} for each in "ab"]}
        await ada.http.post("/api/chat/sessions", json=body)
        await ada.cut(session_id, 1)
        again = await ada.http.post("/api/chat/sessions", json=body)
        assert (again.status_code, again.json()["id"]) == (200, session_id)
        assert await ada.contents(session_id) == [(0, "a")]

    @pytest.mark.parametrize("other", ['"b"', '"a","unknown":1e200000'], ids=["other text", "not comparable"])
    async def test_a_repeated_create_with_other_content_for_an_id_is_409_and_changes_nothing(
        self, other: str, ada: Caller
    ) -> None:
        def body(content: str) -> bytes:
            return f'{{"id":"{session_id}","messages":[{{"id":"m1","role":"user","content":{content}}}]}}'.encode()

        session_id, headers = new_id(), {"Content-Type": "application/json"}
        assert (await ada.http.post("/api/chat/sessions", content=body('"a"'), headers=headers)).status_code == 201
        before = (await ada.get(session_id)).json()
        response = await ada.http.post("/api/chat/sessions", content=body(other), headers=headers)
        assert (response.status_code, response.json()["type"]) == (409, "urn:chat-sessions:message-id-taken")
        assert (await ada.get(session_id)).json() == before

    async def test_messages_without_an_id_are_all_new(self, ada: Caller, session_id: str) -> None:
        for _ in range(2):
            await ada.append(session_id, "same")
        assert await ada.contents(session_id) == [(0, "same"), (1, "same")]

    async def test_ids_in_different_sessions_do_not_collide(self, ada: Caller, bob: Caller, session_id: str) -> None:
        mine, his = (await ada.create())["id"], (await bob.create())["id"]
        await ada.append(session_id, "first", id="m1")
        await ada.append(mine, "second", id="m1")
        await bob.append(his, "third", id="m1")
        assert await ada.contents(session_id) == [(0, "first")]
        assert await ada.contents(mine) == [(0, "second")]
        assert await bob.contents(his) == [(0, "third")]


class TestAccess:
    async def test_another_users_session_is_the_same_404_as_a_missing_one_and_stays_unchanged(
        self, ada: Caller, bob: Caller, session_id: str, database: asyncpg.Pool
    ) -> None:
        await ada.append(session_id, "private", id="m1")
        before = await database.fetch('SELECT * FROM "ChatSession" JOIN "ChatMessage" USING ("userId")')
        foreign = await bob.append(session_id, "smuggled")
        probe = await bob.append(session_id, "smuggled", id="m1")
        missing = await bob.append(new_id(), "smuggled")
        assert foreign.status_code == 404
        assert foreign.content == probe.content == missing.content
        after = await database.fetch('SELECT * FROM "ChatSession" JOIN "ChatMessage" USING ("userId")')
        assert after == before

    async def test_a_deleted_session_accepts_no_message(
        self, ada: Caller, session_id: str, database: asyncpg.Pool
    ) -> None:
        await ada.delete(session_id)
        assert (await ada.append(session_id, "late")).status_code == 404
        assert await database.fetchval('SELECT count(*) FROM "ChatMessage"') == 0


class TestPageBytes:
    """A page ends at 4 MiB whatever its limit."""

    LARGE = "x" * 1_000_000

    @pytest.fixture
    async def large(self, ada: Caller, session_id: str) -> str:
        """A session with six messages, four of which fit on a page."""
        for _ in range(6):
            assert (await ada.append(session_id, self.LARGE)).status_code == 201
        return session_id

    @staticmethod
    async def shown(ada: Caller, session_id: str, **params: int) -> tuple[list[int], bool, int | None]:
        response = await ada.get(session_id, **params)
        assert len(response.content) < MAX_PAGE_BYTES + 1000
        page = response.json()
        return [each["sequence"] for each in page["messages"]], page["has_more_messages"], page["oldest_sequence"]

    async def test_pages_of_large_messages_end_early_and_skip_none(self, ada: Caller, large: str) -> None:
        assert await self.shown(ada, large) == ([2, 3, 4, 5], True, 2)
        assert await self.shown(ada, large, before_sequence=2) == ([0, 1], False, 0)

    @pytest.mark.parametrize(("bytes_each", "statements"), [(100, 1), (100_000, 1), (600_000, 2)])
    async def test_only_a_page_of_megabytes_costs_a_second_statement(
        self, service: Service, ada: Caller, session_id: str, bytes_each: int, statements: int
    ) -> None:
        await ada.append(session_id, "x" * bytes_each)
        sent = service.record_statements()
        assert (await ada.get(session_id)).json()["messages"][0]["content"] == "x" * bytes_each
        assert len([each for each in sent() if '"ChatMessage"' in each]) == statements

    async def test_a_smaller_limit_applies_as_well(self, ada: Caller, large: str) -> None:
        assert await self.shown(ada, large, limit=3) == ([3, 4, 5], True, 3)

    async def test_a_message_larger_than_a_page_is_served(
        self, ada: Caller, large: str, database: asyncpg.Pool
    ) -> None:
        padding = """left("body"::text, -1) || ',"more":"' || repeat('x', 5000000) || '"}'"""
        await database.execute(f'UPDATE "ChatMessage" SET "body" = ({padding})::json WHERE "sequence" = 4')  # noqa: S608
        assert await self.shown(ada, large, limit=200) == ([5], True, 5)
        response = await ada.get(large, before_sequence=5)
        assert [each["sequence"] for each in response.json()["messages"]] == [4]
        assert response.json()["has_more_messages"]
        assert await self.shown(ada, large, before_sequence=4) == ([0, 1, 2, 3], False, 0)
