"""The list of sessions: order, pages and search."""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.caching import quiet
from tests.service import Caller, new_id
from tests.waiting import swept

PATH = "/api/chat/sessions"
INSERT = """
INSERT INTO "ChatSession" ("id", "userId", "title", "isPinned", "updatedAt")
VALUES ($1, $2, $3, $4, '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => $5::float8))
"""


@pytest.fixture
async def in_order(database: asyncpg.Pool) -> list[str]:
    """Ada's nine sessions in list order: three pinned; three share each time of change.

    Their titles are 0 to 8; only the ids tell sessions of the same time apart.
    """
    moments = [("pinned", True, 1), ("late", False, 2), ("early", False, 1)]
    places = [(f"{name}-{letter}", pinned, moment) for name, pinned, moment in moments for letter in "cba"]
    for title, (session_id, pinned, moment) in enumerate(places):
        await database.execute(INSERT, session_id, "ada", str(title), pinned, moment)
    await database.execute(INSERT, "late-between", "bob", "not hers", False, 2)
    return [str(title) for title in range(9)]


async def walk(caller: Caller, **params: str | int | bool) -> list[list[str]]:
    """Return the titles of each page, from the first to the last."""
    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        body = (await caller.page(**params, **cursor)).json()
        pages.append([each["title"] for each in body["sessions"]])
        if body["next_cursor"] is None:
            return pages
        cursor = {"cursor": body["next_cursor"]}


def forged(*values: object) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


class TestOrder:
    async def test_the_session_with_the_latest_message_comes_first(self, ada: Caller) -> None:
        first, second = await ada.create("first"), await ada.create("second")
        assert await ada.titles() == ["second", "first"]
        await ada.append(first["id"], "news")
        assert await ada.titles() == ["first", "second"]
        await ada.change(second["id"], title="renamed")
        assert await ada.titles() == ["first", "renamed"]

    async def test_pinned_sessions_come_first_unless_pinned_first_is_false(self, ada: Caller) -> None:
        old = await ada.create("old")
        await ada.create("new")
        await ada.change(old["id"], is_pinned=True)
        assert await ada.titles() == ["old", "new"]
        assert await ada.titles(pinned_first=False) == ["new", "old"]

    async def test_ties_are_broken_by_descending_id(self, ada: Caller, in_order: list[str]) -> None:
        assert await ada.titles() == in_order

    async def test_without_pinned_first_only_the_time_counts(self, ada: Caller, in_order: list[str]) -> None:
        assert await ada.titles(pinned_first=False) == ["3", "4", "5", "0", "1", "2", "6", "7", "8"]
        assert sorted(await ada.titles(pinned_first=False)) == in_order

    async def test_a_list_has_exactly_the_fields_of_the_contract(self, ada: Caller) -> None:
        created = await ada.create("Chat", metadata={"a": 1})
        assert (await ada.page()).json() == {"sessions": [created], "total": 1, "next_cursor": None}

    async def test_no_user_sees_anothers_sessions(self, ada: Caller, bob: Caller) -> None:
        await bob.create("His")
        assert (await ada.page()).json() == {"sessions": [], "total": 0, "next_cursor": None}
        assert (await ada.page(q="His")).json()["total"] == 0


class TestArchive:
    @pytest.fixture
    async def three(self, ada: Caller) -> list[str]:
        """Three sessions, the second one archived."""
        ids = [(await ada.create(title))["id"] for title in "abc"]
        await ada.change(ids[1], is_archived=True)
        return ids

    @pytest.mark.usefixtures("three")
    @pytest.mark.parametrize(
        ("archived", "titles"),
        [({}, "ca"), ({"archived": "false"}, "ca"), ({"archived": "true"}, "b"), ({"archived": "any"}, "cba")],
    )
    @pytest.mark.parametrize("pinned_first", [True, False])
    async def test_a_list_shows_and_counts_the_selected_sessions(
        self, archived: dict[str, str], titles: str, pinned_first: bool, ada: Caller
    ) -> None:
        page = (await ada.page(pinned_first=pinned_first, **archived)).json()
        assert ([each["title"] for each in page["sessions"]], page["total"]) == (list(titles), len(titles))

    @pytest.mark.parametrize("change", [{"is_archived": False}, {"is_archived": True}], ids=str)
    async def test_archiving_updates_every_cached_list(
        self, change: dict[str, Any], ada: Caller, three: list[str], database: asyncpg.Pool, redis: Redis
    ) -> None:
        await quiet(database, redis)
        before = [await view(ada, archived) for archived in ("false", "true", "any")]
        assert before == [("ca", 2), ("b", 1), ("cba", 3)]
        for session_id in three:
            await ada.change(session_id, **change)
        after = [await view(ada, archived) for archived in ("false", "true", "any")]
        assert after == (
            [("", 0), ("cba", 3), ("cba", 3)] if change["is_archived"] else [("cba", 3), ("", 0), ("cba", 3)]
        )

    async def test_an_archived_session_keeps_its_pin_and_can_be_opened(self, ada: Caller, three: list[str]) -> None:
        await ada.change(three[1], is_pinned=True)
        assert await ada.titles(archived="any") == ["b", "c", "a"]
        body = (await ada.get(three[1])).json()
        assert (body["is_archived"], body["is_pinned"]) == (True, True)

    @pytest.mark.parametrize("limit", [1, 2, 4])
    @pytest.mark.parametrize("pinned_first", [True, False])
    async def test_pages_of_all_sessions_add_up(
        self, limit: int, pinned_first: bool, ada: Caller, in_order: list[str], database: asyncpg.Pool
    ) -> None:
        whole = await ada.titles(pinned_first=pinned_first)
        await database.execute("""UPDATE "ChatSession" SET "isArchived" = true WHERE "title" IN ('1', '4', '8')""")
        await swept(database)
        pages = await walk(ada, limit=limit, pinned_first=pinned_first, archived="any")
        assert [title for page in pages for title in page] == whole
        offsets = [
            await ada.titles(limit=limit, pinned_first=pinned_first, archived="any", offset=start)
            for start in range(0, len(in_order), limit)
        ]
        assert offsets == pages

    async def test_search_and_metadata_filters_respect_the_archived_filter(self, ada: Caller) -> None:
        for title in ("live", "gone"):
            await ada.create(f"Trip {title}", metadata={"a": 1})
        await ada.change((await ada.page(q="gone")).json()["sessions"][0]["id"], is_archived=True)
        for wanted in ({"q": "trip"}, {"metadata": '{"a":1}'}):
            assert await ada.titles(**wanted) == ["Trip live"]
            assert await ada.titles(**wanted, archived="true") == ["Trip gone"]
            assert await ada.titles(**wanted, archived="any") == ["Trip gone", "Trip live"]

    @pytest.mark.parametrize("archived", ["yes", "1", "TRUE", "none"])
    async def test_an_invalid_archived_value_is_422(self, archived: str, ada: Caller) -> None:
        assert (await ada.page(archived=archived)).status_code == 422


async def view(caller: Caller, archived: str) -> tuple[str, int]:
    """Return the titles and the total of a list, which is cached from then on."""
    page = (await caller.page(archived=archived)).json()
    return "".join(each["title"] for each in page["sessions"]), page["total"]


class TestPages:
    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 8, 9, 10])
    @pytest.mark.parametrize("pinned_first", [True, False])
    async def test_cursor_pages_add_up_to_the_whole_list(
        self,
        limit: int,
        pinned_first: bool,
        ada: Caller,
        in_order: list[str],
    ) -> None:
        whole = await ada.titles(pinned_first=pinned_first)
        pages = await walk(ada, limit=limit, pinned_first=pinned_first)
        assert pages == [whole[start : start + limit] for start in range(0, len(in_order), limit)]

    @pytest.mark.parametrize("limit", [1, 3, 4, 9])
    async def test_offset_pages_add_up_to_the_whole_list(self, limit: int, ada: Caller, in_order: list[str]) -> None:
        pages = [await ada.titles(limit=limit, offset=offset) for offset in range(0, 9, limit)]
        assert [title for page in pages for title in page] == in_order

    async def test_an_offset_beyond_the_end_is_an_empty_page(self, ada: Caller, in_order: list[str]) -> None:
        body = (await ada.page(offset=2**31 - 1)).json()
        assert body == {"sessions": [], "total": len(in_order), "next_cursor": None}

    async def test_the_cursor_of_an_offset_page_continues_after_it(self, ada: Caller, in_order: list[str]) -> None:
        cursor = (await ada.page(limit=2, offset=3)).json()["next_cursor"]
        assert await ada.titles(limit=2, cursor=cursor) == in_order[5:7]

    @pytest.mark.parametrize("offset", [0, 3, 8])
    async def test_total_counts_all_pages_on_each_page(self, offset: int, ada: Caller, in_order: list[str]) -> None:
        assert (await ada.page(limit=1, offset=offset)).json()["total"] == len(in_order)

    async def test_a_cursor_survives_the_deletion_of_its_row(self, ada: Caller, in_order: list[str]) -> None:
        page = (await ada.page(limit=4)).json()
        for session in page["sessions"]:
            await ada.delete(session["id"])
        assert await ada.titles(cursor=page["next_cursor"]) == in_order[4:]

    async def test_a_new_session_does_not_shift_later_pages(self, ada: Caller, in_order: list[str]) -> None:
        cursor = (await ada.page(limit=5)).json()["next_cursor"]
        await ada.create("new")
        assert await ada.titles(cursor=cursor) == in_order[5:]

    async def test_paging_during_writes_shows_each_unmoved_session_once(
        self, ada: Caller, database: asyncpg.Pool
    ) -> None:
        for number in range(60):
            kind = ("still", "moving", "doomed")[number % 3]
            await database.execute(INSERT, f"{kind}-{number:02}", "ada", f"{kind} {number:02}", number < 20, number % 7)

        async def disturb() -> None:
            for number in range(1, 60, 3):
                await ada.change(f"moving-{number:02}", title=f"moved {number:02}")
                await ada.delete(f"doomed-{number + 1:02}")
                await ada.create(f"new {number:02}")

        disturbance = asyncio.ensure_future(disturb())
        walks = []
        while not disturbance.done():
            walks.append([title for page in await walk(ada, limit=7) for title in page])
        await disturbance
        assert len(walks) > 1
        for titles in walks:
            still = [title for title in titles if title.startswith("still")]
            assert sorted(still) == [f"still {number:02}" for number in range(0, 60, 3)]

    async def test_a_cursor_needs_no_padding_or_escaping_in_a_url(self, ada: Caller, in_order: list[str]) -> None:
        cursors = [(await ada.page(limit=limit)).json()["next_cursor"] for limit in range(1, len(in_order))]
        assert all(cursor.replace("-", "").replace("_", "").isalnum() for cursor in cursors)

    async def test_a_cursor_together_with_an_offset_is_422(self, ada: Caller, in_order: list[str]) -> None:
        cursor = (await ada.page(limit=5)).json()["next_cursor"]
        assert (await ada.page(cursor=cursor, offset=1)).status_code == 422
        assert await ada.titles(cursor=cursor, offset=0) == in_order[5:]

    async def test_a_cursor_of_the_other_order_is_422(self, ada: Caller, in_order: list[str]) -> None:
        for pinned_first in (True, False):
            cursor = (await ada.page(limit=len(in_order) - 1, pinned_first=pinned_first)).json()["next_cursor"]
            assert (await ada.page(cursor=cursor, pinned_first=not pinned_first)).status_code == 422

    @pytest.mark.parametrize(
        "cursor",
        [
            "a",
            "====",
            "not base64!",
            "é",
            "\x00",
            "x" * 1001,
            urlsafe_b64encode(b"\xff\xfe\x00").decode(),
            urlsafe_b64encode(b"[" * 700).decode(),
            forged(),
            forged(False, 0),
            forged(False, 0, "a", "b"),
            forged(0, 0, "a"),
            forged(None, 0, "a"),
            forged("false", 0, "a"),
            forged(False, True, "a"),
            forged(False, "0", "a"),
            forged(False, 0.5, "a"),
            forged(False, None, "a"),
            forged(False, [0], "a"),
            forged(False, 10**15, "a"),
            forged(False, -(10**15), "a"),
            forged(False, 10**300, "a"),
            forged(False, float("nan"), "a"),
            forged(False, float("inf"), "a"),
            forged(False, 0, None),
            forged(False, 0, 1),
            forged(False, 0, {"lt": "a"}),
            forged(False, 0, "\0"),
            forged(False, 0, "\ud800"),
        ],
        ids=range(29),
    )
    async def test_a_damaged_cursor_is_422(self, cursor: str, ada: Caller) -> None:
        assert (await ada.page(cursor=cursor)).status_code == 422

    @pytest.mark.parametrize(
        ("values", "titles"),
        [
            ((True, 253402300799999, "\uffff"), "012345678"),
            ((False, 253402300799999, "\uffff"), "345678"),
            ((True, -62135596800000, ""), "345678"),
            ((False, -62135596800000, ""), ""),
            ((False, 1767225602000, "late-between"), "45678"),
            ((False, 1767225602000, "'; DROP TABLE x; --"), "678"),
        ],
        ids=str,
    )
    async def test_a_forged_cursor_stays_in_the_users_own_list(
        self, values: tuple[Any, ...], titles: str, ada: Caller, in_order: list[str]
    ) -> None:
        body = (await ada.page(cursor=forged(*values))).json()
        assert [each["title"] for each in body["sessions"]] == list(titles)
        assert body["total"] == len(in_order)

    async def test_anothers_cursor_shows_the_users_own_sessions(
        self, ada: Caller, bob: Caller, in_order: list[str]
    ) -> None:
        cursor = (await ada.page(limit=1)).json()["next_cursor"]
        assert in_order
        assert await bob.titles(cursor=cursor) == ["not hers"]

    async def test_a_cursor_holds_only_the_values_of_its_row(self, ada: Caller, in_order: list[str]) -> None:
        cursor = (await ada.page(limit=len(in_order) - 1)).json()["next_cursor"]
        decoded = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        assert decoded == [False, 1767225601000, "early-b"]

    @pytest.mark.parametrize(
        "query",
        [
            *("limit=0", "limit=101", "limit=-1", "limit=x", "limit=1e1", "limit=" + "9" * 5000),
            *("offset=-1", "offset=2147483648", "offset=x", "pinned_first=perhaps"),
            *("q=" + "x" * 201, "q=%00"),
        ],
    )
    async def test_parameters_out_of_bounds_are_422(self, query: str, ada: Caller) -> None:
        assert (await ada.http.get(f"{PATH}?{query}")).status_code == 422

    @pytest.mark.parametrize("query", ["unknown=1", "limit=5&expert_id=E", "unknown=", "unknown", "Limit=5", "%00=%ff"])
    async def test_an_unknown_parameter_is_422(self, query: str, ada: Caller) -> None:
        for _ in range(2):  # not remembered either
            response = await ada.http.get(f"{PATH}?{query}")
            assert (response.status_code, response.json()["errors"][0]["type"]) == (422, "extra_forbidden")

    @pytest.mark.parametrize(
        "query",
        ["limit=&offset=&cursor=&q=&pinned_first=&archived=&metadata=", "limit", "q=%20%20", "&&", "limit=&limit=50"],
    )
    async def test_an_empty_parameter_is_ignored(self, query: str, ada: Caller, in_order: list[str]) -> None:
        for _ in range(2):
            response = await ada.http.get(f"{PATH}?{query}")
            assert [each["title"] for each in response.json()["sessions"]] == in_order

    @pytest.mark.parametrize("limit", [1, 100])
    async def test_the_smallest_and_the_largest_page_are_allowed(self, limit: int, ada: Caller) -> None:
        assert (await ada.page(limit=limit)).status_code == 200

    async def test_the_default_page_has_fifty_sessions(self, ada: Caller, database: asyncpg.Pool) -> None:
        for number in range(51):
            await database.execute(INSERT, new_id(), "ada", str(number), False, number)
        body = (await ada.page()).json()
        assert (len(body["sessions"]), body["total"]) == (50, 51)


class TestSearch:
    @pytest.fixture
    async def titled(self, database: asyncpg.Pool) -> None:
        titles = ["Trip to LISBON", "100% done", "1000 done", "a_b", "aXb", "back\\slash", "Été à ÉPERNAY", "日本語 😀"]
        for moment, title in enumerate([*titles, None]):
            await database.execute(INSERT, new_id(), "ada", title, False, -moment)

    @pytest.mark.usefixtures("titled")
    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("lisbon", ["Trip to LISBON"]),
            ("TRIP TO", ["Trip to LISBON"]),
            (" lisbon ", ["Trip to LISBON"]),
            ("100%", ["100% done"]),
            ("%", ["100% done"]),
            ("a_b", ["a_b"]),
            ("_", ["a_b"]),
            ("\\", ["back\\slash"]),
            ("\\%", []),
            ("k\\s", ["back\\slash"]),
            ("été", ["Été à ÉPERNAY"]),
            ("épernay", ["Été à ÉPERNAY"]),
            ("語 😀", ["日本語 😀"]),
            ("'; --", []),
            ("done", ["100% done", "1000 done"]),
            ("null", []),
        ],
    )
    async def test_finds_the_literal_text_in_any_case(self, q: str, found: list[str], ada: Caller) -> None:
        body = (await ada.page(q=q)).json()
        assert [each["title"] for each in body["sessions"]] == found
        assert body["total"] == len(found)

    @pytest.mark.usefixtures("titled")
    async def test_an_empty_text_filters_nothing(self, ada: Caller) -> None:
        assert (await ada.page(q="")).json()["total"] == 9

    async def test_is_paged_like_the_list(self, ada: Caller, database: asyncpg.Pool, in_order: list[str]) -> None:
        for number in range(5):
            await database.execute(INSERT, new_id(), "ada", f"Match {number}", number == 0, -number)
        assert in_order
        pages = await walk(ada, q="match", limit=2)
        assert pages == [["Match 0", "Match 1"], ["Match 2", "Match 3"], ["Match 4"]]

    async def test_follows_every_change(self, ada: Caller) -> None:
        created = await ada.create("before")
        assert await ada.titles(q="before") == ["before"]
        await ada.change(created["id"], title="after")
        assert await ada.titles(q="before") == []
        assert await ada.titles(q="after") == ["after"]
        await ada.delete(created["id"])
        assert await ada.titles(q="after") == []

    @pytest.mark.usefixtures("titled")
    async def test_has_an_etag_like_the_list(self, ada: Caller) -> None:
        etag = (await ada.page(q="done")).headers["ETag"]
        response = await ada.http.get(PATH, params={"q": "done"}, headers={"If-None-Match": etag})
        assert (response.status_code, response.content) == (304, b"")


class TestMetadata:
    """The filter `metadata`: a JSON object that the session's metadata contains."""

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ('{"n":1}', ["numbers"]),
            ('{"n":1.00}', ["numbers"]),
            ('{"n":"1"}', []),
            ('{"n":9223372036854775809}', []),
            ('{"big":9223372036854775808}', ["numbers"]),
            ('{"a":{"b":{"c":true}}}', ["nested"]),
            ('{"a":{"b":{}}}', ["nested"]),
            ('{"a":{"c":true}}', []),
            ('{"tags":["x"]}', ["nested"]),
            ('{"tags":["x","z"]}', []),
            ('{"n":1,"a":{}}', []),
            ('{"__proto__":null}', ["numbers"]),
            ("{}", ["nested", "numbers", "without"]),
        ],
    )
    async def test_it_finds_sessions_that_contain_it(
        self, wanted: str, found: list[str], ada: Caller, bob: Caller
    ) -> None:
        for caller in (ada, bob):
            await caller.create("without")
            await caller.create("numbers", metadata={"n": 1.0, "big": 2**63, "__proto__": None, "more": 0})
            await caller.create("nested", metadata={"a": {"b": {"c": True, "d": 1}}, "tags": ["y", "x"]})
        page = (await ada.page(metadata=wanted)).json()
        assert ([each["title"] for each in page["sessions"]], page["total"]) == (found, len(found))

    async def test_it_combines_with_search_and_cursor(self, ada: Caller) -> None:
        for number in range(5):
            await ada.create(f"Chat {number}", metadata={"even": number % 2 == 0})
        await ada.create("Other", metadata={"even": True})
        params: dict[str, str | int] = {"q": "chat", "metadata": '{"even":true}', "limit": 2}
        first = (await ada.page(**params)).json()
        rest = (await ada.page(**params, cursor=first["next_cursor"])).json()
        assert [each["title"] for each in first["sessions"] + rest["sessions"]] == ["Chat 4", "Chat 2", "Chat 0"]
        assert (first["total"], rest["next_cursor"]) == (3, None)

    async def test_a_filtered_page_is_not_cached_as_the_whole_list(
        self, ada: Caller, database: asyncpg.Pool, redis: Redis
    ) -> None:
        await ada.create("one", metadata={"a": 1})
        await ada.create("two")
        await quiet(database, redis)
        for _ in range(2):
            assert await ada.titles(metadata='{"a":1}') == ["one"]
            assert await ada.titles() == ["two", "one"]

    @pytest.mark.parametrize(
        "wanted",
        ["[]", "1", "null", "{", '{"a":1}}', '{"a":1,"a":1}', '{"a":"\\u0000"}', '{"a":"\\ud800"}', '{"a":1e1000}',
         '{"a":NaN}', '{"a":' * 70 + "1" + "}" * 70],
        ids=range(11),
    )  # fmt: skip
    async def test_an_invalid_filter_is_422(self, wanted: str, ada: Caller) -> None:
        response = await ada.page(metadata=wanted)
        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"] == ["query", "metadata"]
