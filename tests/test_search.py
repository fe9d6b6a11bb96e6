"""The search of titles and messages: `GET /sessions/search`."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from chat_sessions.contract import etags
from chat_sessions.contract.search_key import search_key
from chat_sessions.contract.snippet import LENGTH, snippet
from chat_sessions.store import records, search_store, sql_search
from chat_sessions.store.search_keys import SearchKeys
from tests.service import Caller, Service
from tests.test_lists import forged
from tests.waiting import until

PATH = "/api/chat/sessions/search"
VERSION = 'SELECT "version" FROM "ChatSession"'
SHORT = {"role": "assistant", "content": "The ferry leaves at noon."}


async def search(caller: Caller, q: str, **params: str | int) -> dict[str, Any]:
    response = await caller.http.get(PATH, params={"q": q, **params})
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


async def found(caller: Caller, q: str) -> list[tuple[str | None, str | None]]:
    """Return the titles and snippets of everything that matches."""
    return [
        (each["session"]["title"], each["message"] and each["message"]["snippet"])
        for page in await pages(caller, q)
        for each in page
    ]


async def pages(caller: Caller, q: str, **params: int) -> list[list[dict[str, Any]]]:
    page = await search(caller, q, **params)
    results = [page["results"]]
    while page["next_cursor"] is not None:
        page = await search(caller, q, cursor=page["next_cursor"], **params)
        results.append(page["results"])
    return results


class TestResults:
    async def test_titles_and_messages_are_found_newest_first(self, ada: Caller) -> None:
        titled = await ada.create("Ferries of Lisbon")
        mentioned = await ada.create("Trip", messages=[{"role": "user", "content": "Which FERRY?"}, SHORT])
        await ada.create("Porto", messages=[{"role": "user", "content": "Which train?"}])
        assert await search(ada, "ferr") == {
            "results": [
                {
                    "session": mentioned,
                    "message": {"sequence": 1, "role": "assistant", "snippet": "The ferry leaves at noon."},
                },
                {"session": titled, "message": None},
            ],
            "next_cursor": None,
        }
        await ada.append(titled["id"], "hello")
        assert [each["session"]["title"] for each in (await search(ada, "ferr"))["results"]] == [
            "Ferries of Lisbon",
            "Trip",
        ]

    @pytest.mark.parametrize(
        ("message", "is_found"),
        [
            ({"role": "user", "content": "Ängström"}, True),
            ({"role": "narrator", "content": "angstrom"}, True),
            ({"role": "user", "content": [{"type": "text", "text": "ANGSTROM"}]}, True),
            ({"role": "user", "parts": [{"type": "step-start"}, {"type": "text", "text": "ångström"}]}, True),
            ({"role": "assistant", "content": "an\u00adg\nstro\u0308m"}, False),
            ({"role": "assistant", "parts": [{"type": "reasoning", "text": "angstrom"}]}, False),
            ({"role": "user", "content": "", "name": "angstrom", "metadata": {"angstrom": "angstrom"}}, False),
            ({"role": "user", "content": [{"type": "angstrom", "url": "angstrom"}], "angstrom": 1}, False),
            *[({"role": role, "content": "angstrom"}, False) for role in ("system", "developer", "tool", "reasoning")],
        ],
    )
    async def test_only_the_text_of_the_conversation_is_searched(
        self, message: dict[str, Any], is_found: bool, ada: Caller
    ) -> None:
        await ada.create("Title", messages=[message])
        assert len(await found(ada, "Ängstrom")) == is_found

    async def test_archived_sessions_are_included(self, ada: Caller, database: asyncpg.Pool) -> None:
        await ada.create("Trip", messages=[SHORT])
        await database.execute('UPDATE "ChatSession" SET "isArchived" = true')
        assert len(await found(ada, "ferry")) == 1

    async def test_no_user_finds_anothers_messages(self, ada: Caller, bob: Caller) -> None:
        created = await ada.create("Ferry", messages=[SHORT])
        assert await found(bob, "ferry") == []
        await bob.create("Ferry", id=created["id"])
        assert await found(bob, "ferry") == [("Ferry", None)]

    @pytest.mark.parametrize("q", ["100%", "a_b", "\\", "'; --"])
    async def test_a_text_is_found_literally(self, q: str, ada: Caller) -> None:
        for content in ("100 percent", "aXb", "backslash", f"yes, {q} it is"):
            await ada.create(messages=[{"role": "user", "content": content}])
        assert await found(ada, q) == [(None, f"yes, {q} it is")]

    async def test_deleted_sessions_and_messages_are_not_found(self, ada: Caller) -> None:
        kept = await ada.create("Kept", messages=[SHORT, {"role": "user", "content": "the other ferry"}])
        deleted = await ada.create("Ferry", messages=[SHORT])
        await ada.delete(deleted["id"])
        await ada.http.delete(f"/api/chat/sessions/{kept['id']}/messages", params={"from_sequence": 1})
        assert await found(ada, "ferry") == [("Kept", "The ferry leaves at noon.")]
        assert await found(ada, "other") == []

    @pytest.mark.parametrize("text", ["The last FERRY", "The ferry leaves at noon.", "The férry leaves at noon."])
    async def test_a_replaced_message_is_found_at_once_by_its_new_text(
        self, text: str, ada: Caller, database: asyncpg.Pool
    ) -> None:
        created = await ada.create("Trip", messages=[{**SHORT, "id": "m"}])
        path = f"/api/chat/sessions/{created['id']}/messages/m"
        for content in ("nothing", text, text, "nothing", text):
            message = {"role": "user", "content": content, "n": len(content)}
            assert (await ada.http.put(path, json=message)).status_code == 200
            assert await database.fetchval('SELECT "searchKey" IS NOT NULL FROM "ChatMessage"')
            assert await found(ada, "ferry") == ([] if content == "nothing" else [("Trip", text)])

    async def test_messages_appended_later_are_found(self, ada: Caller) -> None:
        created = await ada.create("Trip")
        await ada.append(created["id"], "one", "Évora at last")
        assert await found(ada, "EVORA") == [("Trip", "Évora at last")]


class TestPages:
    async def test_pages_add_up_to_all_results(self, ada: Caller) -> None:
        for number in range(7):
            await ada.create(f"Chat {number}", messages=[SHORT])
        whole = await pages(ada, "ferry", limit=3)
        titles = [[each["session"]["title"] for each in page] for page in whole]
        assert titles == [["Chat 6", "Chat 5", "Chat 4"], ["Chat 3", "Chat 2", "Chat 1"], ["Chat 0"]]

    async def test_a_cursor_survives_the_deletion_of_its_session(self, ada: Caller) -> None:
        for number in range(3):
            await ada.create(f"Ferry {number}")
        page = await search(ada, "ferry", limit=1)
        await ada.delete(page["results"][0]["session"]["id"])
        page = await search(ada, "ferry", cursor=page["next_cursor"])
        assert [each["session"]["title"] for each in page["results"]] == ["Ferry 1", "Ferry 0"]

    async def test_a_call_that_takes_too_long_returns_a_cursor_to_continue(
        self, ada: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Pieces of three messages; a page ends after each."""
        smaller(monkeypatch, messages=3)
        monkeypatch.setattr(search_store, "SECONDS_PER_PAGE", -1.0)
        other = {"role": "user", "content": "nothing"}
        for number in range(3):
            await ada.create(f"Short {number}", messages=[other])
        await ada.create("Long", messages=[other, SHORT, *[other] * 7])
        await ada.create("Deep", messages=[SHORT, *[other] * 8])
        await ada.create("Empty ferry")
        whole = await pages(ada, "ferry")
        titles = [[each["session"]["title"] for each in page] for page in whole]
        assert titles == [["Empty ferry"], [], [], ["Deep"], [], [], ["Long"], []]

    async def test_everything_is_searched_in_one_call_if_that_is_quick(
        self, ada: Caller, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        smaller(monkeypatch, messages=2)
        monkeypatch.setattr(search_store, "SECONDS_PER_PAGE", 60.0)
        await ada.create("Trip", messages=[SHORT, *[{"role": "user", "content": "no"}] * 9])
        searches = searches_of(service)
        assert [len(page) for page in await pages(ada, "ferry")] == [1]
        assert searches() == 5

    async def test_a_small_account_takes_one_statement(self, ada: Caller, service: Service) -> None:
        await ada.create("Trip", messages=[SHORT])
        searches = searches_of(service)
        assert (await search(ada, "nothing"))["next_cursor"] is None
        assert searches() == 1

    @pytest.mark.parametrize(
        "query",
        ["", "q=", "q=" + "x" * 201, "q=%00", "q=x&limit=0", "q=x&limit=51", "q=x&limit=y", "q=x&cursor=damaged"]
        + [f"q=x&cursor={forged(*values)}" for values in ((-1, 0, "x"), (None, 0, "x"), (2**31, 0, "x"), (0, 0, 1))],
    )
    async def test_parameters_out_of_bounds_are_422(self, query: str, ada: Caller) -> None:
        assert (await ada.http.get(f"{PATH}?{query}")).status_code == 422

    @pytest.mark.parametrize("q", [" ", "\u200b"])
    async def test_an_invisible_text_finds_nothing(self, q: str, ada: Caller) -> None:
        await ada.create("Trip", messages=[SHORT, {"role": "tool", "content": "x"}])
        assert await search(ada, q) == {"results": [], "next_cursor": None}


class TestSnippets:
    @pytest.mark.parametrize(
        ("text", "q", "expected"),
        [
            ("short", "short", "short"),
            ("a\n\n b\tc", "B C", "a b c"),
            ("İstanbul'da", "istanbul", "İstanbul'da"),
            ("<b>bold</b> & more", "bold", "<b>bold</b> & more"),
            ("x" * 65_000 + " needle " + "y" * 200, "needle", "…needle…"),
            ("none", "needle", None),
        ],
    )
    def test_a_snippet_is_plain_text_around_the_match(self, text: str, q: str, expected: str | None) -> None:
        assert snippet(text, search_key(q)) == expected

    @pytest.mark.parametrize("filler", ["word ", "日本", "e\u0301", "👨\u200d👩\u200d👧", "🇵🇹"])
    def test_a_snippet_is_short_and_cuts_no_word_and_no_grapheme(self, filler: str) -> None:
        text = filler * 300 + "Nëedle" + filler * 300
        cut = snippet(text, "needle")
        assert cut is not None
        assert LENGTH - 20 < len(cut) <= LENGTH + 2
        assert (cut[0], cut[-1]) == ("…", "…")
        before, after = cut[1:-1].split("Nëedle")
        for part in (before, after):
            assert part.replace(filler.strip(), "").strip() == ""

    async def test_a_large_message_has_a_snippet(self, ada: Caller) -> None:
        words = "word " * 12_000
        large = {"role": "user", "content": words + "needle", "extra": "x" * sql_search.ORDINARY_BODY}
        await ada.create("Trip", messages=[large])
        [(_, text)] = await found(ada, "needle")
        assert text is not None
        assert text.endswith("word needle")


class TestWithoutKeys:
    """Messages of large requests, whose keys are added later."""

    @pytest.fixture(autouse=True)
    def few_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(records, "MAX_KEYED_AT_ONCE", 300)
        monkeypatch.setattr(search_store, "SECONDS_PER_PAGE", 60.0)

    @pytest.fixture
    def no_keys_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def add_none(_keys: SearchKeys) -> None:
            pass

        monkeypatch.setattr(SearchKeys, "_add_to_messages", add_none)

    @pytest.mark.usefixtures("no_keys_later")
    async def test_they_are_found_at_once(self, ada: Caller, database: asyncpg.Pool) -> None:
        created = await ada.create("Trip", messages=[{**SHORT, "id": "m"}, {**SHORT, "extra": "x" * 300}])
        await ada.append(created["id"], "Évora " * 60)
        assert (await ada.replace(created["id"], "m", "Lisbon " * 60)).status_code == 200
        assert await database.fetchval('SELECT count(*) FROM "ChatMessage" WHERE "searchKey" IS NULL') == 3
        for q, number in (("FERRY", 1), ("evora", 2), ("lisbon", 0)):
            [result] = (await search(ada, q))["results"]
            assert result["message"]["sequence"] == number
        assert (await search(ada, "porto"))["results"] == []

    @pytest.mark.usefixtures("no_keys_later")
    async def test_they_hide_no_older_message_of_any_session(self, ada: Caller) -> None:
        large = {"role": "user", "content": "nothing", "extra": "x" * 300}
        for number in range(3):
            await ada.create("The ferry" if number == 1 else "Trip", messages=[SHORT, large, large])
        await ada.create("Empty ferry", messages=[large])
        trip = [("Trip", SHORT["content"])]
        assert await found(ada, "ferry") == [("Empty ferry", None), *trip, ("The ferry", SHORT["content"]), *trip]

    async def test_they_get_the_key_of_their_text_and_the_session_keeps_its_version(
        self, ada: Caller, database: asyncpg.Pool
    ) -> None:
        created = await ada.create("Trip", messages=[{"role": "user", "content": "Évora " * 60}])
        before = await ada.http.get(f"/api/chat/sessions/{created['id']}")

        async def is_keyed() -> bool:
            key = await database.fetchval('SELECT "searchKey" FROM "ChatMessage"')
            return bool(key == search_key("evora " * 60))

        await until(is_keyed)
        assert before.headers["ETag"] == etags.of_version(await database.fetchval(VERSION))

    @pytest.mark.usefixtures("no_keys_later")
    async def test_a_text_that_sql_changes_along_with_the_missing_key_gives_the_session_a_new_version(
        self, ada: Caller, database: asyncpg.Pool
    ) -> None:
        await ada.create("Trip", messages=[{**SHORT, "extra": "x" * 300}])
        before = await database.fetchval(VERSION)
        await database.execute("""UPDATE "ChatMessage" SET "body" = '{"content": "new"}', "searchKey" = 'new'""")
        assert await database.fetchval(VERSION) > before


class TestDirectSql:
    async def test_messages_inserted_by_sql_are_found_at_once(self, ada: Caller, database: asyncpg.Pool) -> None:
        created = await ada.create("Trip")
        body = '{"content": "Évora", "n": 1%s}' % ("0" * 5000)
        await database.execute(
            """INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "sequence")
               VALUES ('ada', $1, 'm', 'user', $2, 0), ('ada', $1, 'odd', 'user', '[1]', 1)""",
            created["id"],
            body,
        )
        await database.execute('UPDATE "ChatSession" SET "messageCount" = 2')
        assert await found(ada, "evora") == [("Trip", "Évora")]

    async def test_no_key_outlives_its_text(self, ada: Caller, database: asyncpg.Pool) -> None:
        await ada.create("Trip", messages=[SHORT])
        await database.execute("""UPDATE "ChatMessage" SET "body" = '{"content": "Redacted"}'""")
        assert await found(ada, "ferry") == []
        assert await found(ada, "redacted") == [("Trip", "Redacted")]

        async def is_keyed() -> bool:
            return bool(await database.fetchval('SELECT "searchKey" FROM "ChatMessage"') == "redacted")

        await until(is_keyed)

    async def test_a_key_that_does_not_fit_its_text_finds_nothing_but_hides_nothing(
        self, ada: Caller, database: asyncpg.Pool
    ) -> None:
        await ada.create("Trip", messages=[SHORT, {"role": "user", "content": "old"}])
        await database.execute(
            """UPDATE "ChatMessage" SET "body" = '{"content": "new"}', "searchKey" = 'a ferry' WHERE "sequence" = 1"""
        )
        assert await found(ada, "ferry") == [("Trip", "The ferry leaves at noon.")]


async def test_searches_of_one_user_run_one_at_a_time(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    running = most = 0
    page = search_store.SearchStore.page

    async def watched(*args: Any) -> bytes:  # noqa: ANN401  passed on
        nonlocal running, most
        running += 1
        most = max(most, running)
        result = await page(*args)
        running -= 1
        return result

    monkeypatch.setattr(search_store.SearchStore, "page", watched)
    await asyncio.gather(*(search(ada, "x") for _ in range(5)))
    assert most == 1


async def test_caches_must_not_store_a_search(ada: Caller) -> None:
    assert (await ada.http.get(PATH, params={"q": "x"})).headers["Cache-Control"] == "no-store"


def searches_of(service: Service) -> Callable[[], int]:
    """Return a function that counts the statements of searches since now."""
    statements = service.record_statements()
    return lambda: sum("row_number() OVER recent" in each for each in statements())


def smaller(monkeypatch: pytest.MonkeyPatch, messages: int) -> None:
    """Search in pieces of so many messages."""
    smaller_pieces = sql_search.SEARCH.replace(str(sql_search.MESSAGES), str(messages))
    monkeypatch.setattr(sql_search, "SEARCH", smaller_pieces)
