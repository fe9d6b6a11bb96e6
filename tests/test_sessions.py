"""Create, read, change and delete a session over HTTP."""

import asyncio
import re
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.caching import cached, quiet
from tests.service import Caller, Service, new_id

SUMMARY = {"id", "user_id", "title", "created_at", "updated_at", "is_pinned", "is_archived", "metadata"}
SESSION = SUMMARY | {"messages", "has_more_messages", "oldest_sequence"}
PATH = "/api/chat/sessions"
UUID_V4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# Headers that differ between identical 404s.
VARYING = {"x-request-id"}


async def rows(database: asyncpg.Pool) -> list[dict[str, Any]]:
    """Everything that another user must not change."""
    tables = ("ChatSession", "ChatMessage", "Tombstone")
    found = [await database.fetch(f'SELECT * FROM "{table}" ORDER BY 1, 2') for table in tables]  # noqa: S608  constants
    return [dict(row) for table in found for row in table]


async def entries(redis: Redis) -> dict[bytes, bytes]:
    """Return the user's entries in Redis, whatever their type."""
    return {key: await redis.dump(key) or b"" async for key in redis.scan_iter()}


def fixed_headers(headers: Any) -> dict[str, str]:  # noqa: ANN401  httpx's are a multi-dict
    return {name: value for name, value in headers.items() if name not in VARYING}


class TestCreate:
    async def test_returns_201_with_the_summary_its_location_and_its_etag(self, ada: Caller) -> None:
        response = await ada.http.post(PATH, json={"title": "Lisbon", "metadata": {"model": "a"}})
        body = response.json()
        assert response.status_code == 201
        assert set(body) == SUMMARY
        assert (body["title"], body["user_id"], body["metadata"]) == ("Lisbon", "ada", {"model": "a"})
        assert (body["is_pinned"], body["is_archived"]) == (False, False)
        assert response.headers["Location"] == f"{PATH}/{body['id']}"
        assert response.headers["ETag"] == (await ada.get(body["id"])).headers["ETag"]

    async def test_everything_is_optional(self, ada: Caller) -> None:
        response = await ada.http.post(PATH, json={})
        assert response.status_code == 201
        assert (response.json()["title"], response.json()["metadata"]) == (None, {})

    @pytest.mark.parametrize("body", [b"", b"null", b" null\n", b"{}"], ids=str)
    @pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}], ids=["untyped", "json"])
    async def test_no_body_and_null_create_an_empty_session(
        self, body: bytes, headers: dict[str, str], ada: Caller
    ) -> None:
        response = await ada.http.post(PATH, content=body, headers=headers)
        if body and not headers:
            assert response.status_code == 415
        else:
            assert (response.status_code, response.json()["title"], response.json()["metadata"]) == (201, None, {})

    async def test_generates_a_uuid_v4(self, ada: Caller) -> None:
        assert UUID_V4.fullmatch((await ada.create())["id"])

    async def test_times_are_utc_and_equal_at_first(self, ada: Caller) -> None:
        created = await ada.create()
        assert created["created_at"] == created["updated_at"]
        assert created["created_at"].endswith("Z")
        assert datetime.fromisoformat(created["created_at"]).tzinfo is not None

    async def test_accepts_the_clients_id(self, ada: Caller) -> None:
        session_id = new_id()
        assert (await ada.create(id=session_id))["id"] == session_id

    @pytest.mark.parametrize(
        "session_id",
        [
            "x",
            "x" * 128,
            "thread_Abc.1:2-3",
            "Events",
            "...",
            *(f"3f1c8f0e-7a55-{n}f8e-0d3c-0a6b1f2e4d5c" for n in "0178f"),
        ],
    )
    async def test_accepts_the_ids_of_other_systems_and_uuids_of_any_version(
        self, session_id: str, ada: Caller
    ) -> None:
        created = await ada.http.post(PATH, json={"id": session_id})
        assert (created.status_code, created.json()["id"]) == (201, session_id)
        assert (await ada.http.get(created.headers["Location"])).json()["id"] == session_id
        assert (await ada.delete(session_id)).status_code == 204

    async def test_a_uuid_names_one_session_whatever_its_case(self, ada: Caller) -> None:
        session_id = new_id()
        upper = session_id.upper()
        first = await ada.http.post(PATH, json={"id": upper})
        assert (first.status_code, first.json()["id"]) == (201, session_id)
        assert (await ada.http.post(PATH, json={"id": session_id})).status_code == 200
        for call in (ada.get(upper), ada.append(upper, "hi"), ada.change(upper, title="New")):
            assert (await call).is_success
        deleted = await ada.http.post(f"{PATH}/batch-delete", json={"ids": [upper, session_id], "dry_run": True})
        assert deleted.json() == {"deleted": [session_id], "not_found": [], "count": 1}
        assert (await ada.delete(upper)).status_code == 204
        assert (await ada.get(session_id)).status_code == 404

    async def test_other_ids_keep_their_case(self, ada: Caller) -> None:
        for session_id in ("Thread", "thread"):
            assert (await ada.http.post(PATH, json={"id": session_id})).status_code == 201
        assert (await ada.page()).json()["total"] == 2

    async def test_a_repeat_with_a_client_id_returns_200_and_the_existing_session(self, ada: Caller) -> None:
        first = await ada.http.post(PATH, json={"id": (session_id := new_id()), "title": "First"})
        again = await ada.http.post(PATH, json={"id": session_id, "title": "Second", "metadata": {"a": 1}})
        assert again.status_code == 200
        assert again.json() == first.json()
        assert (again.headers["ETag"], again.headers["Location"]) == (first.headers["ETag"], first.headers["Location"])

    async def test_a_repeat_does_not_add_its_messages_again(self, ada: Caller) -> None:
        body = {"id": (session_id := new_id()), "messages": [{"role": "user", "content": "once"}]}
        for _ in range(2):
            await ada.http.post(PATH, json=body)
        assert [each["content"] for each in (await ada.get(session_id)).json()["messages"]] == ["once"]

    async def test_concurrent_repeats_create_one_session(self, ada: Caller) -> None:
        body = {"id": new_id(), "messages": [{"role": "user", "content": "once"}]}
        responses = await asyncio.gather(*(ada.http.post(PATH, json=body) for _ in range(8)))
        assert sorted(each.status_code for each in responses) == [200] * 7 + [201]
        assert len({each.text for each in responses}) == 1

    async def test_two_users_may_have_the_same_id(self, ada: Caller, bob: Caller) -> None:
        session_id = (await bob.create("His", messages=[{"id": "m1", "role": "user", "content": "his"}]))["id"]
        message = {"id": "m1", "role": "user", "content": "hers"}
        response = await ada.http.post(PATH, json={"id": session_id, "title": "Hers", "messages": [message]})
        assert response.status_code == 201
        await ada.append(session_id, "more")
        for caller, title, contents in ((ada, "Hers", ["hers", "more"]), (bob, "His", ["his"])):
            session = (await caller.get(session_id)).json()
            assert session["title"] == title
            assert [each["content"] for each in session["messages"]] == contents

    @pytest.mark.parametrize("batch", [False, True])
    async def test_a_deletion_keeps_another_users_session_with_the_same_id(
        self, batch: bool, ada: Caller, bob: Caller
    ) -> None:
        session_id = (await bob.create("His"))["id"]
        await ada.create("Hers", id=session_id)
        if batch:
            response = await ada.http.post(f"{PATH}/batch-delete", json={"ids": [session_id]})
            assert response.json() == {"deleted": [session_id], "not_found": [], "count": 1}
        else:
            assert (await ada.delete(session_id)).status_code == 204
        assert (await ada.get(session_id)).status_code == 404
        assert (await bob.get(session_id)).json()["title"] == "His"

    async def test_an_id_deleted_by_one_user_is_free_for_another(self, ada: Caller, bob: Caller) -> None:
        session_id = (await bob.create())["id"]
        await bob.delete(session_id)
        assert (await ada.http.post(PATH, json={"id": session_id})).status_code == 201
        late = await bob.http.post(PATH, json={"id": session_id})
        assert (late.status_code, late.json()["type"]) == (409, "urn:chat-sessions:session-id-taken")

    async def test_a_rejected_create_changes_nothing(self, ada: Caller, database: asyncpg.Pool) -> None:
        deleted = (await ada.create())["id"]
        await ada.delete(deleted)
        before = await rows(database)
        refused = await ada.http.post(PATH, json={"id": deleted, "messages": [{"role": "user", "content": "late"}]})
        assert refused.status_code == 409
        assert await rows(database) == before

    async def test_a_session_with_messages_has_them_in_order(self, ada: Caller) -> None:
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello", "id": "m1"}]
        created = await ada.create("Chat", messages=messages)
        stored = (await ada.get(created["id"])).json()["messages"]
        assert [(each["sequence"], each["role"], each["content"]) for each in stored] == [
            (0, "system", "Be brief."),
            (1, "user", "Hello"),
        ]
        assert stored[1]["id"] == "m1"

    async def test_an_append_continues_after_the_creates_messages(self, ada: Caller) -> None:
        created = await ada.create(messages=[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
        assert [each["sequence"] for each in (await ada.append(created["id"], "c")).json()["messages"]] == [2]

    @pytest.mark.parametrize(
        "title",
        ["x", "x" * 200, "😀" * 200, "Ünï¢ødé", "\U0001d518", "\u2028", "e\u0301", "a\u200db", "\u202eright to left"],
        ids=range(9),
    )
    async def test_a_title_is_returned_as_it_was_sent(self, title: str, ada: Caller) -> None:
        kept = title if title != "\u2028" else None
        created = await ada.http.post(PATH, json={"title": title})
        if kept is None:  # a line separator is white space, so nothing remains
            assert created.status_code == 422
        else:
            assert (await ada.get(created.json()["id"])).json()["title"] == kept

    @pytest.mark.parametrize("title", ["  trimmed \t\n", "\u00a0trimmed\u3000"])
    async def test_a_title_is_trimmed(self, title: str, ada: Caller) -> None:
        assert (await ada.create(title))["title"] == "trimmed"

    async def test_a_title_is_trimmed_before_its_length_is_checked(self, ada: Caller) -> None:
        assert (await ada.create(" " * 300 + "x" * 200 + " "))["title"] == "x" * 200

    @pytest.mark.parametrize(
        "body",
        [
            {"title": ""},
            {"title": "   "},
            {"title": "x" * 201},
            {"title": "😀" * 201},
            {"title": 1},
            {"title": ["a"]},
            {"title": "NUL \0"},
            {"id": "a blank"},
            {"id": "a/b"},
            {"id": "é"},
            {"id": "x" * 129},
            {"id": "x\n"},
            *({"id": each} for each in (".", "..", "events", "search", "batch-delete")),
            {"id": ""},
            {"id": 1},
            {"metadata": None},
            {"metadata": []},
            {"metadata": "text"},
            {"metadata": {"a": "\0"}},
            {"metadata": {"\0": 1}},
            {"metadata": {"deep": [{"a": ["\0"]}]}},
            {"messages": None},
            {"messages": [{}]},
            {"messages": [{"role": "user"}] * 101},
            {"messages": [{"role": "user", "id": "twice"}, {"role": "user", "id": "twice"}]},
            {"user_id": "bob"},
            {"is_pinned": True},
            {"unknown": 1},
            [],
            "text",
            1,
        ],
        ids=str,
    )
    async def test_an_invalid_body_is_422_and_creates_nothing(
        self, body: object, ada: Caller, database: asyncpg.Pool
    ) -> None:
        assert (await ada.http.post(PATH, json=body)).status_code == 422
        assert await rows(database) == []

    @pytest.mark.parametrize(
        "metadata",
        [
            {"text": "é\u2028\u0085", "number": 1.5, "integer": 2**53, "yes": True, "nothing": None},
            {"list": [[], {}, [None], "", 0, -1, 1e-7, 1.5e15]},
            {"": {"": {"": ""}}},
            {"$type": "Json", "value": "{}"},
            {"prisma__type": "bigint", "prisma__value": "1"},
            {"__proto__": {"polluted": True}, "constructor": 1},
        ],
        ids=range(6),
    )
    async def test_metadata_is_returned_as_it_was_sent(self, metadata: dict[str, Any], ada: Caller) -> None:
        created = await ada.create(metadata=metadata)
        assert created["metadata"] == metadata
        assert (await ada.get(created["id"])).json()["metadata"] == metadata
        assert (await ada.page()).json()["sessions"][0]["metadata"] == metadata

    async def test_metadata_may_be_as_large_as_the_setting_but_no_larger(self, ada: Caller, service: Service) -> None:
        largest = {"a": "x" * (service.settings.max_metadata_bytes - len('{"a":""}'))}
        assert (await ada.http.post(PATH, json={"metadata": largest})).status_code == 201
        largest["a"] += "x"
        response = await ada.http.post(PATH, json={"metadata": largest})
        assert (response.status_code, response.json()["type"]) == (422, "urn:chat-sessions:invalid-request")


class TestGet:
    async def test_has_exactly_the_fields_of_the_contract(self, ada: Caller) -> None:
        created = await ada.create("Lisbon", messages=[{"role": "user", "content": "Hi"}])
        body = (await ada.get(created["id"])).json()
        assert set(body) == SESSION
        assert {name: body[name] for name in SUMMARY} == created
        assert body["user_id"] == "ada"

    async def test_an_empty_session_has_no_oldest_sequence(self, ada: Caller) -> None:
        body = (await ada.get((await ada.create())["id"])).json()
        assert (body["messages"], body["has_more_messages"], body["oldest_sequence"]) == ([], False, None)

    @pytest.fixture
    async def five(self, ada: Caller) -> str:
        messages = [{"role": "user", "content": str(number)} for number in range(5)]
        session_id: str = (await ada.create(messages=messages))["id"]
        return session_id

    @pytest.mark.parametrize(
        ("params", "sequences", "has_more"),
        [
            ({}, [0, 1, 2, 3, 4], False),
            ({"limit": 5}, [0, 1, 2, 3, 4], False),
            ({"limit": 4}, [1, 2, 3, 4], True),
            ({"limit": 1}, [4], True),
            ({"limit": 2, "before_sequence": 4}, [2, 3], True),
            ({"limit": 2, "before_sequence": 2}, [0, 1], False),
            ({"limit": 2, "before_sequence": 1}, [0], False),
            ({"before_sequence": 0}, [], False),
            ({"before_sequence": 2**31 - 1}, [0, 1, 2, 3, 4], False),
        ],
        ids=str,
    )
    async def test_returns_the_newest_messages_of_the_range_in_ascending_order(
        self,
        params: dict[str, int],
        sequences: list[int],
        has_more: bool,
        ada: Caller,
        five: str,
        database: asyncpg.Pool,
        redis: Redis,
    ) -> None:
        await quiet(database, redis)
        for _ in range(2):  # loaded, then cached
            body = (await ada.get(five, **params)).json()
            assert [each["sequence"] for each in body["messages"]] == sequences
            assert body["has_more_messages"] is has_more
            assert body["oldest_sequence"] == (sequences[0] if sequences else None)

    @pytest.mark.parametrize(
        "query",
        ["limit=0", "limit=201", "limit=x", "limit=1.5", "before_sequence=-1", "before_sequence=2147483648"],
    )
    async def test_a_page_out_of_bounds_is_422(self, query: str, ada: Caller, five: str) -> None:
        assert (await ada.http.get(f"{PATH}/{five}?{query}")).status_code == 422

    @pytest.mark.parametrize(
        "session_id", ["3f1c8f0e-7a55-4f8e-9d3c-0a6b1f2e4d5c", "no uuid", "%00", "%ff", "a" * 3000]
    )
    async def test_an_unknown_id_is_404_even_if_it_is_not_a_uuid(self, session_id: str, ada: Caller) -> None:
        response = await ada.http.get(f"{PATH}/{session_id}")
        assert (response.status_code, response.json()["type"]) == (404, "urn:chat-sessions:session-not-found")

    async def test_another_users_session_is_the_same_404_as_a_missing_one(self, ada: Caller, bob: Caller) -> None:
        theirs = (await bob.create("His"))["id"]
        await bob.get(theirs)
        foreign, missing = await ada.get(theirs), await ada.get(new_id())
        assert foreign.status_code == 404
        assert foreign.content == missing.content
        assert fixed_headers(foreign.headers) == fixed_headers(missing.headers)

    async def test_each_page_of_a_session_is_cached_separately(
        self, ada: Caller, five: str, database: asyncpg.Pool, redis: Redis
    ) -> None:
        await quiet(database, redis)
        await ada.get(five, limit=1)
        assert len((await ada.get(five, limit=2)).json()["messages"]) == 2


class TestPatch:
    @pytest.mark.parametrize(
        "change",
        [
            {"title": "New"},
            {"title": None},
            {"is_pinned": True},
            {"is_archived": True},
            {"metadata": {"a": 1}},
            {"title": "New", "is_pinned": True, "is_archived": True, "metadata": {"a": 1}},
        ],
        ids=str,
    )
    async def test_a_change_keeps_the_time_of_the_last_message(self, change: dict[str, object], ada: Caller) -> None:
        created = await ada.create("Old")
        response = await ada.http.patch(f"{PATH}/{created['id']}", json=change)
        assert response.status_code == 200
        assert response.json() == {**created, **change}

    async def test_a_renamed_session_keeps_its_place_in_the_list(self, ada: Caller) -> None:
        older = (await ada.create("Older"))["id"]
        await ada.create("Newer")
        await ada.change(older, title="Renamed")
        assert await ada.titles() == ["Newer", "Renamed"]
        await ada.append(older, "one more")
        assert await ada.titles() == ["Renamed", "Newer"]

    async def test_a_repeated_append_keeps_the_time_of_the_last_message(self, ada: Caller) -> None:
        session_id = (await ada.create())["id"]
        await ada.append(session_id, "once", id="m1")
        before = (await ada.get(session_id)).json()["updated_at"]
        await ada.append(session_id, "once", id="m1")
        assert (await ada.get(session_id)).json()["updated_at"] == before

    async def test_a_title_is_trimmed(self, ada: Caller) -> None:
        assert (await ada.change((await ada.create())["id"], title=" New ")).json()["title"] == "New"

    async def test_title_and_pin_change_together(self, ada: Caller) -> None:
        created = await ada.create("Old")
        body = (await ada.change(created["id"], title="New", is_pinned=True)).json()
        assert (body["title"], body["is_pinned"]) == ("New", True)

    @pytest.mark.parametrize("change", [{"is_pinned": True}, {"is_archived": True}, {"metadata": {"b": 2}}], ids=str)
    async def test_an_omitted_field_keeps_its_value(self, change: dict[str, Any], ada: Caller) -> None:
        session_id = (await ada.create("Old", metadata={"a": 1}))["id"]
        await ada.change(session_id, is_pinned=True, is_archived=True)
        body = (await ada.change(session_id, **change)).json()
        assert (body["title"], body["is_pinned"], body["is_archived"]) == ("Old", True, True)
        assert body["metadata"]["a"] == 1

    async def test_flags_can_be_cleared(self, ada: Caller) -> None:
        session_id = (await ada.create())["id"]
        await ada.change(session_id, is_pinned=True, is_archived=True)
        body = (await ada.change(session_id, is_pinned=False, is_archived=False)).json()
        assert (body["is_pinned"], body["is_archived"]) == (False, False)

    async def test_a_change_appears_in_the_cached_session_and_list(
        self, ada: Caller, database: asyncpg.Pool, redis: Redis
    ) -> None:
        created = await ada.create("Old")
        await quiet(database, redis)
        await cached(redis, ada, [created["id"]])
        await ada.change(created["id"], title="New")
        assert (await ada.get(created["id"])).json()["title"] == "New"
        assert await ada.titles() == ["New"]

    async def test_every_change_returns_the_sessions_new_etag(self, ada: Caller) -> None:
        created = await ada.create("Old")
        seen = [(await ada.get(created["id"])).headers["ETag"]]
        for body in ({"title": "New"}, {"is_pinned": True}, {"is_pinned": True}):
            changed = await ada.change(created["id"], **body)
            assert changed.headers["ETag"] == (await ada.get(created["id"])).headers["ETag"]
            seen.append(changed.headers["ETag"])
        assert len(set(seen)) == 4

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"is_pinned": None},
            {"is_archived": None},
            {"metadata": None},
            {"title": "New", "is_pinned": None},
            {"metadata": []},
            {"metadata": {"a": "\0"}},
            {"is_archived": "any"},
            {"title": ""},
            {"title": " "},
            {"title": "x" * 201},
            {"title": "\0"},
            {"is_pinned": "perhaps"},
            {"title": "New", "unknown": 1},
            [],
            None,
        ],
        ids=str,
    )
    async def test_an_empty_or_invalid_change_is_422(self, body: object, ada: Caller) -> None:
        created = await ada.create("Old")
        response = await ada.http.patch(f"{PATH}/{created['id']}", json=body)
        assert response.status_code == 422
        assert (await ada.page()).json()["sessions"] == [created]

    async def test_another_users_session_is_the_same_404_as_a_missing_one_and_stays_unchanged(
        self, ada: Caller, bob: Caller, database: asyncpg.Pool
    ) -> None:
        theirs = (await bob.create("His"))["id"]
        before = await rows(database)
        foreign, missing = await ada.change(theirs, title="Mine"), await ada.change(new_id(), title="Mine")
        assert foreign.status_code == 404
        assert foreign.content == missing.content
        assert await rows(database) == before


class TestDelete:
    async def test_returns_204_without_a_body(self, ada: Caller) -> None:
        response = await ada.delete((await ada.create())["id"])
        assert (response.status_code, response.content) == (204, b"")
        assert "content-type" not in response.headers

    async def test_every_later_call_is_404(self, ada: Caller) -> None:
        session_id = (await ada.create("Gone"))["id"]
        await ada.get(session_id)
        await ada.page()
        await ada.delete(session_id)
        responses = [
            await ada.get(session_id),
            await ada.change(session_id, title="Back"),
            await ada.append(session_id, "late"),
            await ada.delete(session_id),
        ]
        assert [each.status_code for each in responses] == [404] * 4
        assert len({each.content for each in responses}) == 1
        assert await ada.titles() == []

    async def test_deletes_exactly_its_own_messages(self, ada: Caller, database: asyncpg.Pool) -> None:
        gone, kept = (await ada.create())["id"], (await ada.create())["id"]
        for session_id in (gone, kept):
            await ada.append(session_id, "a", "b")
        await ada.delete(gone)
        assert [row["sessionId"] for row in await database.fetch('SELECT * FROM "ChatMessage"')] == [kept, kept]

    async def test_removes_its_entry_the_list_and_its_lock_from_redis(
        self, ada: Caller, database: asyncpg.Pool, redis: Redis
    ) -> None:
        session_id = (await ada.create())["id"]
        mine = [f"chat:{{ada}}:session:{session_id}", "chat:{ada}:list", f"chat:{{ada}}:lock:{session_id}"]
        await quiet(database, redis)
        await cached(redis, ada, [session_id])
        await redis.set(mine[2], "held by a job that hangs", ex=60)
        assert await redis.exists(*mine) == 3
        await ada.delete(session_id)
        assert await redis.exists(*mine) == 0

    async def test_another_users_session_is_the_same_404_as_a_missing_one_byte_for_byte(
        self, ada: Caller, bob: Caller
    ) -> None:
        theirs = (await bob.create("His"))["id"]
        foreign, missing, no_uuid = await ada.delete(theirs), await ada.delete(new_id()), await ada.delete("no uuid")
        assert foreign.status_code == 404
        assert foreign.content == missing.content == no_uuid.content
        assert fixed_headers(foreign.headers) == fixed_headers(missing.headers) == fixed_headers(no_uuid.headers)

    async def test_another_user_changes_neither_the_row_nor_the_cache_nor_the_lock(
        self, ada: Caller, bob: Caller, database: asyncpg.Pool, redis: Redis
    ) -> None:
        theirs = (await bob.create("His", messages=[{"role": "user", "content": "private"}]))["id"]
        await quiet(database, redis)
        await cached(redis, bob, [theirs], "bob")
        await redis.set(f"chat:{{bob}}:lock:{theirs}", "held by a job", ex=60)
        before = (await rows(database), await entries(redis))
        assert len(before[1]) >= 3
        for if_match in (None, "*", '"1"'):
            assert (await ada.delete(theirs, if_match=if_match)).status_code == 404
        assert (await rows(database), await entries(redis)) == before

    async def test_a_body_is_ignored(self, ada: Caller) -> None:
        session_id = (await ada.create())["id"]
        response = await ada.http.request("DELETE", f"{PATH}/{session_id}", content=b"{not json")
        assert response.status_code == 204


class TestIfNoneMatch:
    @pytest.mark.parametrize("wrap", ["{}", "W/{}", '"other", {}', '{}, "other"', "*", '"a,b",W/{}', " {} ", "-gzip"])
    @pytest.mark.parametrize("path", ["list", "session"])
    async def test_a_known_etag_gets_304_without_a_body(self, path: str, wrap: str, ada: Caller) -> None:
        created = await ada.create("Chat")
        url = PATH if path == "list" else f"{PATH}/{created['id']}"
        known = await ada.http.get(url)
        for _ in range(2):
            response = await ada.http.get(url, headers={"If-None-Match": wrapped(wrap, known.headers["ETag"])})
            assert (response.status_code, response.content) == (304, b"")
            assert "content-type" not in response.headers
            for name in ("ETag", "Cache-Control", "Vary"):
                assert response.headers[name] == known.headers[name]

    @pytest.mark.parametrize("tag", ['"other"', "", "other", '"', "W/", '""', "{unquoted}"])
    async def test_another_etag_gets_the_body(self, tag: str, ada: Caller) -> None:
        created = await ada.create("Chat")
        etag = (await ada.get(created["id"])).headers["ETag"].strip('"')
        response = await ada.http.get(
            f"{PATH}/{created['id']}", headers={"If-None-Match": tag.replace("{unquoted}", etag)}
        )
        assert (response.status_code, response.json()["title"]) == (200, "Chat")

    async def test_a_change_makes_the_etag_of_session_and_list_stale(self, ada: Caller) -> None:
        created = await ada.create("Chat")
        for url in (PATH, f"{PATH}/{created['id']}"):
            etag = (await ada.http.get(url)).headers["ETag"]
            await ada.append(created["id"], "more")
            assert (await ada.http.get(url, headers={"If-None-Match": etag})).status_code == 200

    async def test_a_missing_session_is_404_with_any_etag(self, ada: Caller) -> None:
        response = await ada.http.get(f"{PATH}/{new_id()}", headers={"If-None-Match": "*"})
        assert response.status_code == 404

    async def test_responses_are_private_and_must_be_revalidated(self, ada: Caller) -> None:
        response = await ada.page()
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert response.headers["Vary"] == "Authorization"
        assert not response.headers["ETag"].startswith("W/")


# How nginx and Cloudflare, Apache, and Caddy change a tag when they compress the response.
COMPRESSED = ("W/{}", "-gzip", "-br", "-zstd")


def wrapped(wrap: str, tag: str) -> str:
    """Return a header with the tag; a suffix goes inside its quotes."""
    return f'{tag[:-1]}{wrap}"' if wrap.startswith("-") else wrap.replace("{}", tag)


class TestIfMatch:
    @pytest.mark.parametrize("wrap", ["{}", "*", '"other", {}', '{}, "other"', 'W/"x", {}', " {} ", *COMPRESSED])
    async def test_the_current_etag_permits_a_change_and_a_delete(self, wrap: str, ada: Caller) -> None:
        session_id = (await ada.create("Chat"))["id"]
        etag = (await ada.get(session_id)).headers["ETag"]
        changed = await ada.change(session_id, title="New", if_match=wrapped(wrap, etag))
        assert changed.status_code == 200
        assert (await ada.delete(session_id, if_match=wrapped(wrap, changed.headers["ETag"]))).status_code == 204

    @pytest.mark.parametrize(
        "wrap", ['"other"', '"0"', '"ffffffffffffffff"', "", "other", '"{}', "-other", "-gzip-gzip"]
    )
    async def test_any_other_etag_is_412_and_changes_nothing(
        self, wrap: str, ada: Caller, database: asyncpg.Pool
    ) -> None:
        session_id = (await ada.create("Chat"))["id"]
        tag = wrapped(wrap, (await ada.get(session_id)).headers["ETag"])
        if wrap == '"{}':
            tag = tag.rstrip('"')
        before = await rows(database)
        for response in (
            await ada.change(session_id, title="New", if_match=tag),
            await ada.delete(session_id, if_match=tag),
        ):
            assert response.status_code == 412
            assert response.json()["type"] == "urn:chat-sessions:precondition-failed"
        assert await rows(database) == before

    async def test_a_stale_etag_is_412(self, ada: Caller) -> None:
        session_id = (await ada.create("Chat"))["id"]
        stale = (await ada.get(session_id)).headers["ETag"]
        await ada.append(session_id, "newer")
        assert (await ada.delete(session_id, if_match=stale)).status_code == 412
        assert (await ada.get(session_id)).status_code == 200

    @pytest.mark.parametrize("tag", ["*", '"1"', ""])
    async def test_a_missing_session_is_404_and_not_412(self, tag: str, ada: Caller) -> None:
        assert (await ada.delete(new_id(), if_match=tag)).status_code == 404
        assert (await ada.change(new_id(), title="New", if_match=tag)).status_code == 404

    async def test_several_header_lines_count_as_one_list(self, ada: Caller) -> None:
        session_id = (await ada.create("Chat"))["id"]
        etag = (await ada.get(session_id)).headers["ETag"]
        lines = [("If-Match", '"other"'), ("If-Match", etag)]
        assert (await ada.http.delete(f"{PATH}/{session_id}", headers=lines)).status_code == 204
