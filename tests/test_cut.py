"""Cutting messages off the end of a session."""

import asyncpg
import pytest

from tests.service import Caller, new_id


@pytest.fixture
async def session_id(ada: Caller) -> str:
    """A session of four messages, a to d."""
    created: str = (await ada.create("Chat"))["id"]
    for letter in "abcd":
        await ada.append(created, letter, id=letter)
    return created


async def test_the_message_and_all_after_it_are_gone(ada: Caller, session_id: str, database: asyncpg.Pool) -> None:
    response = await ada.cut(session_id, 2)
    assert (response.status_code, response.content) == (204, b"")
    assert await ada.contents(session_id) == [(0, "a"), (1, "b")]
    assert await database.fetchval('SELECT count(*) FROM "ChatMessage"') == 2


async def test_the_next_append_continues_where_the_cut_was(ada: Caller, session_id: str) -> None:
    await ada.cut(session_id, 2)
    assert (await ada.append(session_id, "e", "f")).status_code == 201
    assert await ada.contents(session_id) == [(0, "a"), (1, "b"), (2, "e"), (3, "f")]


async def test_older_pages_no_longer_show_the_messages(ada: Caller, session_id: str) -> None:
    async def older() -> list[str]:
        page = (await ada.get(session_id, limit=2, before_sequence=3)).json()
        return [each["content"] for each in page["messages"]]

    assert await older() == ["b", "c"]
    await ada.cut(session_id, 2)
    assert await older() == ["a", "b"]


async def test_updated_at_becomes_the_time_of_the_last_remaining_message(ada: Caller, session_id: str) -> None:
    await ada.create("newer than c")
    await ada.append(session_id, "e")
    await ada.cut(session_id, 3)
    cut = (await ada.get(session_id)).json()
    assert cut["updated_at"] == cut["messages"][-1]["created_at"]
    assert await ada.titles() == ["newer than c", "Chat"]


async def test_a_session_without_messages_has_the_time_of_its_creation(ada: Caller, session_id: str) -> None:
    assert (await ada.cut(session_id, 0)).status_code == 204
    cut = (await ada.get(session_id)).json()
    assert cut["updated_at"] == cut["created_at"]
    assert (cut["messages"], cut["has_more_messages"], cut["oldest_sequence"]) == ([], False, None)


@pytest.mark.parametrize("start", [4, 5, 2**31 - 1])
async def test_a_cut_after_the_last_message_changes_nothing(start: int, ada: Caller, session_id: str) -> None:
    before = await ada.get(session_id)
    assert (await ada.cut(session_id, start)).status_code == 204
    after = await ada.get(session_id)
    assert (after.headers["ETag"], after.content) == (before.headers["ETag"], before.content)


async def test_a_cut_increments_the_version_once(ada: Caller, session_id: str, database: asyncpg.Pool) -> None:
    version = 'SELECT "version" FROM "ChatSession"'
    before = await database.fetchval(version)
    await ada.cut(session_id, 1)
    assert await database.fetchval(version) == before + 1


async def test_the_id_of_a_cut_message_may_be_reused(ada: Caller, session_id: str) -> None:
    await ada.cut(session_id, 2)
    for content in ("edited", "edited"):
        response = await ada.append(session_id, content, id="c")
        assert response.status_code == 201
        assert response.json()["messages"][0]["sequence"] == 2
    assert await ada.contents(session_id) == [(0, "a"), (1, "b"), (2, "edited")]


@pytest.mark.parametrize("etag", ['"1"', '"no version"'])
async def test_another_etag_is_412_and_cuts_nothing(etag: str, ada: Caller, session_id: str) -> None:
    response = await ada.cut(session_id, 0, if_match=etag)
    assert (response.status_code, response.json()["type"]) == (412, "urn:chat-sessions:precondition-failed")
    assert len(await ada.contents(session_id)) == 4


async def test_the_current_etag_cuts_once(ada: Caller, session_id: str) -> None:
    etag = (await ada.get(session_id)).headers["ETag"]
    responses = [await ada.cut(session_id, start, if_match=etag) for start in (3, 2)]
    assert [each.status_code for each in responses] == [204, 412]
    assert len(await ada.contents(session_id)) == 3


@pytest.mark.parametrize(
    "query",
    ["", "?from_sequence", "?from_sequence=", "?from_sequence=-1", "?from_sequence=x", "?from_sequence=2147483648"],
)
async def test_without_a_valid_sequence_a_cut_is_422_and_cuts_nothing(query: str, ada: Caller, session_id: str) -> None:
    assert (await ada.http.delete(f"/api/chat/sessions/{session_id}/messages{query}")).status_code == 422
    assert len(await ada.contents(session_id)) == 4


async def test_another_users_session_is_the_same_404_as_a_missing_one_and_stays_unchanged(
    ada: Caller, bob: Caller, session_id: str
) -> None:
    before = await ada.get(session_id)
    foreign, missing = await bob.cut(session_id, 0), await bob.cut(new_id(), 0)
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    after = await ada.get(session_id)
    assert (after.headers["ETag"], after.content) == (before.headers["ETag"], before.content)


async def test_other_sessions_keep_their_messages(ada: Caller, bob: Caller, session_id: str) -> None:
    other = (await ada.create(messages=[{"role": "user", "content": "mine"}]))["id"]
    his = (await bob.create(id=(own := new_id()), messages=[{"role": "user", "content": "his"}]))["id"]
    await ada.create(id=own, messages=[{"role": "user", "content": "hers"}])
    await ada.cut(session_id, 0)
    await ada.cut(own, 0)
    assert await ada.contents(other) == [(0, "mine")]
    assert await bob.contents(his) == [(0, "his")]


class TestAfterSequence:
    """An append that names the last sequence that its writer knows."""

    @pytest.mark.parametrize(("messages", "end"), [([], -1), ([{"role": "user", "content": "a"}], 0)])
    async def test_is_stored_if_the_session_ends_there(
        self, messages: list[dict[str, str]], end: int, ada: Caller
    ) -> None:
        session_id = (await ada.create(messages=messages))["id"]
        response = await ada.append(session_id, "next", after_sequence=end)
        assert (response.status_code, response.json()["messages"][0]["sequence"]) == (201, end + 1)

    @pytest.mark.parametrize("end", [-1, 2, 4, 2**31 - 1])
    async def test_is_412_and_stores_nothing_if_the_session_ends_elsewhere(
        self, end: int, ada: Caller, session_id: str
    ) -> None:
        before = await ada.get(session_id)
        response = await ada.append(session_id, "next", after_sequence=end)
        assert (response.status_code, response.json()["type"]) == (412, "urn:chat-sessions:end-moved")
        after = await ada.get(session_id)
        assert (after.headers["ETag"], after.content) == (before.headers["ETag"], before.content)

    @pytest.mark.parametrize("end", [-2, 2**31, "3", 3.5, True, [3]])
    async def test_anything_but_a_sequence_is_422(self, end: object, ada: Caller, session_id: str) -> None:
        body = {"messages": [{"role": "user"}], "after_sequence": end}
        assert (await ada.http.post(f"/api/chat/sessions/{session_id}/messages", json=body)).status_code == 422
        assert len(await ada.contents(session_id)) == 4

    async def test_null_appends_wherever_the_session_ends(self, ada: Caller, session_id: str) -> None:
        body = {"messages": [{"role": "user"}], "after_sequence": None}
        assert (await ada.http.post(f"/api/chat/sessions/{session_id}/messages", json=body)).status_code == 201

    async def test_a_repeat_returns_the_first_response(self, ada: Caller, session_id: str) -> None:
        first = await ada.append(session_id, "e", after_sequence=3, id="e")
        for _ in range(2):
            again = await ada.append(session_id, "e", after_sequence=3, id="e")
            assert (again.status_code, again.content) == (201, first.content)
            await ada.append(session_id, "after that")
        assert len(await ada.contents(session_id)) == 7

    async def test_a_repeat_with_a_new_message_is_412_and_stores_nothing(self, ada: Caller, session_id: str) -> None:
        messages = [{"role": "user", "content": each, "id": each} for each in "de"]
        body = {"messages": messages, "after_sequence": 2}
        assert (await ada.http.post(f"/api/chat/sessions/{session_id}/messages", json=body)).status_code == 412
        assert len(await ada.contents(session_id)) == 4

    async def test_another_message_with_the_same_id_is_409_wherever_the_session_ends(
        self, ada: Caller, session_id: str
    ) -> None:
        responses = [await ada.append(session_id, "not d", after_sequence=end, id="d") for end in (2, 3)]
        assert [each.status_code for each in responses] == [409, 409]

    async def test_a_missing_session_is_404(self, ada: Caller, bob: Caller, session_id: str) -> None:
        foreign = await bob.append(session_id, "a", after_sequence=3)
        missing = await ada.append(new_id(), "a", after_sequence=-1)
        assert (foreign.status_code, missing.status_code) == (404, 404)
        assert foreign.content == missing.content


async def test_a_repeat_that_adds_nothing_leaves_the_etag(ada: Caller, session_id: str) -> None:
    before = await ada.get(session_id)
    assert (await ada.append(session_id, "d", id="d")).status_code == 201
    assert (await ada.get(session_id)).headers["ETag"] == before.headers["ETag"]


async def test_a_whole_number_may_be_spelled_with_a_fraction(ada: Caller) -> None:
    session_id = (await ada.create("Lisbon", messages=[{"role": "user", "content": "hi"}]))["id"]
    body = '{"messages": [{"role": "user", "content": "again"}], "after_sequence": 0.0}'
    path = f"/api/chat/sessions/{session_id}/messages"
    response = await ada.http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 201
