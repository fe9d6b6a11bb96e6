"""Each kind of query returns what Prisma documents, in the expected number of statements."""

from datetime import UTC, datetime, timedelta

import pytest
from prisma import Json
from prisma.models import ChatSession
from prisma.types import ChatMessageWhereUniqueInput, TombstoneWhereUniqueInput
from pydantic import BaseModel

from chat_sessions.store.prisma.client import BridgedPrisma
from tests.engine.bridge import Statements, new_messages, new_session, of_ada


async def test_create_is_one_insert_and_returns_the_row(db: BridgedPrisma, statements: Statements) -> None:
    session = await new_session(db, "a", title="Ada's")
    assert statements.verbs == ["INSERT"]
    assert (session.id, session.title, session.isPinned, session.messageCount) == ("a", "Ada's", False, 0)
    assert abs(session.createdAt - datetime.now(UTC)) < timedelta(minutes=1)


async def test_nested_create_inserts_both_in_one_transaction(db: BridgedPrisma, statements: Statements) -> None:
    await db.chatsession.create(
        data={
            "id": "a",
            "userId": "ada",
            "messages": {"create": [{"id": "m", "role": "user", "sequence": 0, "body": Json({})}]},
        },
    )
    assert (statements.verbs[0], statements.verbs[-1]) == ("BEGIN", "COMMIT")
    assert [message.id for message in await db.chatmessage.find_many(where={"sessionId": "a"})] == ["m"]


async def test_an_include_is_rejected_not_ignored(db: BridgedPrisma) -> None:
    with pytest.raises(NotImplementedError, match="include"):
        await db.chatsession.find_first(include={"messages": True})


async def test_create_many_counts_and_can_skip_duplicates(db: BridgedPrisma, statements: Statements) -> None:
    await new_session(db, "a")
    assert await new_messages(db, "a", 3) == 3
    statements.clear()
    repeated = await db.chatmessage.create_many(
        data=[
            {"userId": "ada", "id": f"m{n}", "sessionId": "a", "role": "user", "sequence": n, "body": Json({})}
            for n in range(5)
        ],
        skip_duplicates=True,
    )
    assert repeated == 2
    assert statements.verbs == ["INSERT"]


async def test_find_unique_and_find_first_return_the_row_or_none(db: BridgedPrisma) -> None:
    await new_session(db, "a")
    await new_session(db, "b")
    found = await db.chatsession.find_unique(where=of_ada("b"))
    first = await db.chatsession.find_first(where={"userId": "ada"}, order={"id": "desc"})
    assert found is not None
    assert first is not None
    assert (found.id, first.id) == ("b", "b")
    assert await db.chatsession.find_unique(where=of_ada("c")) is None
    assert (await db.chatsession.find_unique_or_raise(where=of_ada("a"))).id == "a"
    assert (await db.chatsession.find_first_or_raise(where={"userId": "ada"}, order={"id": "asc"})).id == "a"


async def test_a_compound_key_finds_its_row(db: BridgedPrisma) -> None:
    await new_session(db, "a")
    await new_messages(db, "a", 2)
    key: ChatMessageWhereUniqueInput = {"userId_sessionId_id": {"userId": "ada", "sessionId": "a", "id": "m1"}}
    message = await db.chatmessage.find_unique(where=key)
    assert message is not None
    assert message.sequence == 1


async def test_insensitive_contains_ignores_case(db: BridgedPrisma) -> None:
    for key, title in (("a", "Über GRAPHS"), ("b", "trees"), ("c", None)):
        await new_session(db, key, title=title)
    found = await db.chatsession.find_many(where={"title": {"contains": "über graphs", "mode": "insensitive"}})
    assert [session.id for session in found] == ["a"]


async def test_a_keyset_page_is_one_select(db: BridgedPrisma, statements: Statements) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for key, age in (("a", 1), ("b", 1), ("c", 2), ("d", 3)):
        await db.chatsession.create(data={"id": key, "userId": "ada", "updatedAt": now - timedelta(days=age)})
    last = now - timedelta(days=1)
    statements.clear()
    page = await db.chatsession.find_many(
        where={"userId": "ada", "OR": [{"updatedAt": {"lt": last}}, {"updatedAt": last, "id": {"lt": "b"}}]},
        order=[{"isPinned": "desc"}, {"updatedAt": "desc"}, {"id": "desc"}],
        take=2,
    )
    assert [session.id for session in page] == ["a", "c"]
    assert statements.verbs == ["SELECT"]


async def test_cursor_skip_and_take_page_in_both_directions(db: BridgedPrisma) -> None:
    for key in "abcd":
        await new_session(db, key)

    async def ids(**page: object) -> list[str]:
        return [row.id for row in await db.chatsession.find_many(order={"id": "asc"}, **page)]  # type: ignore[arg-type]

    assert await ids(cursor=of_ada("b"), skip=1, take=2) == ["c", "d"]
    assert await ids(skip=1, take=2) == ["b", "c"]
    assert await ids(take=-1) == ["d"]


async def test_filters_combine(db: BridgedPrisma) -> None:
    for key, title in (("a", "x"), ("b", None), ("c", "z")):
        await new_session(db, key, title=title)
    await new_messages(db, "c", 1)

    async def ids(where: object) -> list[str]:
        rows = await db.chatsession.find_many(where=where, order={"id": "asc"})  # type: ignore[arg-type]
        return [row.id for row in rows]

    assert await ids({"id": {"in": ["a", "b"]}, "NOT": [{"title": None}]}) == ["a"]
    assert await ids({"id": {"not_in": ["a"]}}) == ["b", "c"]
    assert await ids({"title": {"startswith": "x"}}) == ["a"]
    assert await ids({"messages": {"some": {"role": "user"}}}) == ["c"]
    assert await ids({"AND": [{"id": {"gte": "b"}}, {"title": {"not": None}}]}) == ["c"]


async def test_count_is_one_select(db: BridgedPrisma, statements: Statements) -> None:
    await new_session(db, "a", title="x")
    await new_session(db, "b")
    statements.clear()
    assert await db.chatsession.count(where={"userId": "ada"}) == 2
    assert await db.chatsession.count(select={"_all": True, "title": True}) == {"_all": 2, "title": 1}
    assert statements.verbs == ["SELECT", "SELECT"]


async def test_group_by_counts_and_aggregates(db: BridgedPrisma) -> None:
    for key, user in (("a", "ada"), ("b", "ada"), ("c", "bob")):
        await new_session(db, key, user)
    groups = await db.chatsession.group_by(  # type: ignore[type-var]  # Prisma's own types contradict each other here
        by=["userId"], count=True, max={"id": True}, order={"userId": "asc"}
    )
    assert list(groups) == [
        {"userId": "ada", "_count": {"_all": 2}, "_max": {"id": "b"}},
        {"userId": "bob", "_count": {"_all": 1}, "_max": {"id": "c"}},
    ]


async def test_an_update_can_increment_and_returns_the_row(db: BridgedPrisma, statements: Statements) -> None:
    await new_session(db, "a")
    statements.clear()
    updated = await db.chatsession.update(where=of_ada("a"), data={"title": "new", "messageCount": {"increment": 3}})
    assert updated is not None
    assert (updated.title, updated.messageCount) == ("new", 3)
    assert statements.verbs == ["UPDATE"]
    assert await db.chatsession.update(where=of_ada("missing"), data={"title": "x"}) is None


async def test_update_many_and_delete_many_are_one_statement_each(db: BridgedPrisma, statements: Statements) -> None:
    for key in "abc":
        await new_session(db, key)
    await new_session(db, "d", user="bob")
    await new_messages(db, "a", 3)
    statements.clear()
    assert await db.chatsession.update_many(where={"userId": "ada"}, data={"messageCount": {"increment": 2}}) == 3
    assert await db.chatsession.delete_many(where={"id": {"in": ["a", "d"]}, "userId": "ada"}) == 1
    assert statements.verbs == ["UPDATE", "DELETE"]
    assert await db.chatmessage.count() == 0
    assert await db.chatsession.count() == 3


async def test_upsert_and_delete_affect_one_row(db: BridgedPrisma) -> None:
    key: TombstoneWhereUniqueInput = {"userId_sessionId": {"userId": "ada", "sessionId": "a"}}
    for _ in range(2):
        await db.tombstone.upsert(where=key, data={"create": {"userId": "ada", "sessionId": "a"}, "update": {}})
    assert await db.tombstone.count() == 1
    assert await db.tombstone.delete(where=key) is not None
    assert await db.tombstone.delete(where=key) is None


class Numbered(BaseModel):
    number: int
    words: list[str | None]
    moment: datetime


async def test_raw_queries_take_parameters_and_fill_models(db: BridgedPrisma) -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    words = ["a", None, 'quo"te', "com,ma", "br{ace"]
    rows = await db.query_raw(
        "SELECT $1::bigint AS number, $2::text[] AS words, $3::timestamptz AS moment",
        2**60,
        words,
        moment,
        model=Numbered,
    )
    assert rows == [Numbered(number=2**60, words=words, moment=moment)]
    assert await db.query_first("SELECT 1::int8 AS n, 'x'::name AS name") == {"n": 1, "name": "x"}


async def test_raw_queries_fill_prismas_models(db: BridgedPrisma) -> None:
    await new_session(db, "a")
    rows = await db.query_raw('SELECT * FROM "ChatSession" WHERE "id" = ANY($1)', ["a", "b"], model=ChatSession)
    assert rows == [await db.chatsession.find_unique(where=of_ada("a"))]


async def test_raw_statements_return_the_number_of_rows(db: BridgedPrisma) -> None:
    await new_session(db, "a")
    assert await db.execute_raw('UPDATE "ChatSession" SET "title" = $1 WHERE "userId" = $2', "new", "ada") == 1
    assert await db.execute_raw('DELETE FROM "Outbox" WHERE false') == 0


async def test_dictionaries_in_raw_queries_arrive_unchanged(db: BridgedPrisma) -> None:
    first = await db.query_first("SELECT $1::jsonb AS data", {"order_by": {"startswith": 1}})
    assert first == {"data": {"order_by": {"startswith": 1}}}


async def test_statements_are_reported_without_their_parameters(db: BridgedPrisma, statements: Statements) -> None:
    await new_session(db, "secret", title="secret")
    await db.query_raw("SELECT $1", "secret")
    assert len(statements) == 2
    assert "secret" not in "".join(statements)
