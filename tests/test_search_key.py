"""The search of titles: regardless of case, accents and Unicode form, on every database."""
# ruff: noqa: RUF001 - letters that look alike are the point

import asyncio
import json
from unicodedata import normalize

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from chat_sessions.contract.search_key import search_key
from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from chat_sessions.store.migrations import migrate_deploy
from tests import citus
from tests.command import Operator
from tests.databases import LOCK_SESSION, url_of
from tests.service import Caller, running
from tests.waiting import until

ALIKE = [
    ("CAFÉ", "cafe"),
    ("cafe\u0301", "Café"),
    ("İSTANBUL", "istanbul"),
    ("ISPARTA", "ısparta"),
    ("Straße", "STRASSE"),
    ("Łódź", "lodz"),
    ("Ærø", "AERO"),
    ("Œuvre", "oeuvre"),
    ("ΌΣΟΣ", "όσος"),
    ("ЁЛКА", "елка"),
    ("ﬁne", "FINE"),
    ("ｗｉｄｅ", "Wide"),
    ("Việt Nam", "viet nam"),
    ("한국", normalize("NFD", "한국")),
    ("か\u3099き", "がき"),
    ("مَرْحَبًا", "مرحبا"),
    ("שָׁלוֹם", "שלום"),
    ("hy\u00adphen\u200bated", "hyphenated"),
    ("❤\ufe0f", "❤"),
    (" two\u00a0 words\n", "two words"),
]
DIFFERENT = [("がき", "かき"), ("가", "각"), ("कि", "कु"), ("o", "0"), ("a b", "ab")]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_texts_that_differ_in_case_accents_or_form_have_the_same_key(one: str, other: str) -> None:
    assert search_key(one) == search_key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_of_different_letters_have_different_keys(one: str, other: str) -> None:
    assert search_key(one) != search_key(other)


@pytest.mark.parametrize("text", ["", " ", "\u200b", "´", "\u0301", "\u00ad\ufe0f"])
def test_the_key_of_invisible_text_is_empty(text: str) -> None:
    assert search_key(text) == ""


@given(st.text())
def test_the_key_of_a_key_is_the_same_key(text: str) -> None:
    assert search_key(search_key(text)) == search_key(text)


@pytest.mark.parametrize(("title", "q"), ALIKE)
async def test_a_title_is_found_and_deleted_by_any_spelling(title: str, q: str, ada: Caller) -> None:
    created = await ada.create(title)
    await ada.create("Lisbon")
    assert await ada.titles(q=q) == [created["title"]]
    deleted = await ada.http.post("/api/chat/sessions/batch-delete", json={"filter": {"q": q}})
    assert deleted.json()["deleted"] == [created["id"]]
    assert await ada.titles() == ["Lisbon"]


@pytest.mark.parametrize("q", ["\u200b", "´"])
async def test_an_invisible_text_finds_and_deletes_nothing(q: str, ada: Caller) -> None:
    await ada.create("Lisbon")
    assert await ada.titles(q=q) == []
    response = await ada.http.post("/api/chat/sessions/batch-delete", json={"filter": {"q": q}})
    assert response.status_code == 422 or response.json()["count"] == 0
    assert await ada.titles() == ["Lisbon"]


@pytest.mark.parametrize("title", ["porto", "pôrto", "Lisbon"])
async def test_a_new_title_is_found_at_once_whatever_the_old_one(
    title: str, ada: Caller, database: asyncpg.Pool
) -> None:
    created = await ada.create("Porto")
    for each in (title, "Pórto", title):
        await ada.change(created["id"], title=each)
        assert await database.fetchval('SELECT "titleKey" IS NOT NULL FROM "ChatSession"')
        assert await ada.titles(q=search_key(each)) == [each]


class TestDirectSql:
    """Titles that SQL has changed."""

    async def test_no_key_outlives_its_title(self, ada: Caller, database: asyncpg.Pool) -> None:
        await ada.create("Porto")
        await database.execute("""UPDATE "ChatSession" SET "title" = 'LISBOA' """)
        assert await ada.titles(q="porto") == []
        assert await ada.titles(q="lisboa") == ["LISBOA"]

    async def test_other_changes_keep_the_key(self, ada: Caller, database: asyncpg.Pool) -> None:
        await ada.create("Porto")
        key = await database.fetchval("""UPDATE "ChatSession" SET "isPinned" = true RETURNING "titleKey" """)
        assert key == "porto"

    async def test_a_missing_key_is_added_soon(self, ada: Caller, bob: Caller, database: asyncpg.Pool) -> None:
        await ada.create("Porto")
        await bob.create("Porto")
        await database.execute("""UPDATE "ChatSession" SET "title" = 'Évora' """)

        async def found() -> bool:
            return [await each.titles(q="evora") for each in (ada, bob)] == [["Évora"], ["Évora"]]

        await until(found)

    async def test_a_locked_session_does_not_keep_the_others_from_their_keys(
        self, ada: Caller, database: asyncpg.Pool
    ) -> None:
        await ada.create("Porto")
        locked = await ada.create("Porto")
        async with database.acquire() as connection, connection.transaction():
            await database.execute("""UPDATE "ChatSession" SET "title" = 'Évora' """)
            await connection.execute(LOCK_SESSION, locked["id"])

            async def found() -> bool:
                return await ada.titles(q="evora") == ["Évora"]

            await until(found)


async def test_imported_titles_are_found(ada: Caller, settings: Settings, database: asyncpg.Pool) -> None:
    line = {"id": "x", "title": "Évora", "is_pinned": False, "is_archived": False, "metadata": {}, "messages": []}
    line |= dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00Z")
    await Operator(settings).succeed("import", "--user", "ada", stdin=json.dumps(line))
    assert await database.fetchval('SELECT "titleKey" FROM "ChatSession"') == "evora"
    assert await ada.titles(q="EVORA") == ["Évora"]


@pytest.mark.skipif(citus.URL is not None, reason="the embedded Postgres is not in use")
async def test_a_search_ignores_case_and_accents_on_a_database_with_the_c_locale(
    postgres: Postgres, settings: Settings, database: asyncpg.Pool
) -> None:
    await database.execute("CREATE DATABASE ascii LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        url = url_of(postgres, "ascii")
        await asyncio.to_thread(migrate_deploy, url)
        own = settings.model_copy(update={"database_url": SecretStr(url)})
        async with running(own) as service, service.client() as client:
            await Caller(client).create("ÉTÉ à Łódź")
            assert await Caller(client).titles(q="été A lodz") == ["ÉTÉ à Łódź"]
    finally:
        await database.execute("DROP DATABASE ascii WITH (FORCE)")
