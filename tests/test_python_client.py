"""The Python client, on the real service."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path

import pytest

from chat_sessions_client import (
    ChatSessions,
    Conflict,
    NotFound,
    PreconditionFailed,
    Problem,
    as_sent,
    schemas,
)
from tests.examples import examples, run
from tests.service import SECRET, token
from tests.waiting import until

DOCUMENT = json.loads((Path(__file__).parents[1] / "openapi.json").read_text())


def user_messages(*texts: str) -> list[dict[str, object]]:
    return [{"role": "user", "content": text} for text in texts]


def numbered(count: int) -> list[dict[str, object]]:
    return user_messages(*(str(number) for number in range(count)))


def contents(messages: Iterable[schemas.Message]) -> list[object]:
    return [message["content"] for message in messages]


async def titles(pages: AsyncIterator[schemas.SessionPage]) -> list[list[str | None]]:
    return [[session["title"] for session in page["sessions"]] async for page in pages]


async def test_the_list_is_paged_to_its_end(chats: ChatSessions) -> None:
    for title in ("first", "second", "third"):
        await chats.create(title=title)
    assert await titles(chats.pages(limit=2)) == [["third", "second"], ["first"]]


async def test_a_page_continues_at_a_cursor(chats: ChatSessions) -> None:
    for title in ("first", "second"):
        await chats.create(title=title)
    async with aclosing(chats.pages(limit=1)) as pages:
        cursor = (await anext(pages))["next_cursor"]
    assert await titles(chats.pages(cursor=cursor)) == [["first"]]


async def test_the_list_takes_every_filter(chats: ChatSessions) -> None:
    await chats.create(title="other", metadata={"project": "porto"})
    await chats.create(title="Lisbon in May", metadata={"project": "lisbon"})
    archived = await chats.create(title="Lisbon", metadata={"project": "lisbon"})
    await chats.change(archived["id"], is_archived=True)
    found = chats.pages(q="lisbon", archived="any", metadata={"project": "lisbon"}, pinned_first=False)
    assert await titles(found) == [["Lisbon", "Lisbon in May"]]


async def test_creating_with_an_id_twice_returns_the_same_session(chats: ChatSessions) -> None:
    first = await chats.create(id="thread_1", title="Lisbon", messages=user_messages("hi"))
    assert await chats.create(id="thread_1") == first
    assert contents(await chats.newest("thread_1")) == ["hi"]


async def test_messages_are_paged_back(chats: ChatSessions) -> None:
    session = await chats.create(messages=numbered(5))
    page = await chats.get(session["id"], limit=2)
    assert (contents(page["messages"]), page["has_more_messages"]) == (["3", "4"], True)
    before = await chats.get(session["id"], limit=2, before_sequence=page["oldest_sequence"])
    assert contents(before["messages"]) == ["1", "2"]


async def test_whole_turns_include_the_tool_call(chats: ChatSessions) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "c1", "content": "Sunny"}
    session = await chats.create(messages=[{"role": "assistant", "tool_calls": [call]}, result])
    page = await chats.get(session["id"], limit=1, whole_turns=True)
    assert [message["role"] for message in page["messages"]] == ["assistant", "tool"]


async def test_messages_of_all_pages_are_in_ascending_order(chats: ChatSessions) -> None:
    session = await chats.create()
    await chats.append(session["id"], numbered(450))
    texts = [str(number) for number in range(450)]
    assert contents(await chats.newest(session["id"])) == texts
    assert contents(await chats.newest(session["id"], 250)) == texts[200:]
    assert await chats.newest(session["id"], 0) == []


@pytest.mark.parametrize("start", [0, 50, 399, 400])
async def test_messages_are_read_from_a_sequence_on(start: int, chats: ChatSessions) -> None:
    session = await chats.create()
    await chats.append(session["id"], numbered(400))
    read = [message["sequence"] async for message in chats.messages(session["id"], from_sequence=start)]
    assert read == list(range(start, 400))


async def test_messages_are_complete_where_large_ones_shorten_a_page(chats: ChatSessions) -> None:
    session = await chats.create()
    for number in range(5):
        await chats.append(session["id"], user_messages(f"{number} {'x' * 900_000}"))
    assert (await chats.get(session["id"]))["has_more_messages"]
    assert [message["sequence"] for message in await chats.newest(session["id"])] == [0, 1, 2, 3, 4]
    assert [message["sequence"] async for message in chats.messages(session["id"])] == [0, 1, 2, 3, 4]


async def test_an_append_returns_the_messages_of_all_its_batches(chats: ChatSessions) -> None:
    session = await chats.create()
    stored = await chats.append(session["id"], numbered(250), after_sequence=-1)
    assert [message["sequence"] for message in stored] == list(range(250))


async def test_an_append_after_a_stale_sequence_is_a_failed_precondition(chats: ChatSessions) -> None:
    session = await chats.create(messages=user_messages("hi"))
    with pytest.raises(PreconditionFailed) as failed:
        await chats.append(session["id"], user_messages("hello"), after_sequence=-1)
    assert failed.value.type == "urn:chat-sessions:end-moved"


async def test_appending_a_message_with_its_id_again_adds_nothing(chats: ChatSessions) -> None:
    session = await chats.create()
    message = {"id": "m1", "role": "user", "content": "hi"}
    first = await chats.append(session["id"], [message])
    assert await chats.append(session["id"], [message]) == first
    with pytest.raises(Conflict):
        await chats.append(session["id"], [{**message, "content": "hello"}])


async def test_a_message_is_returned_as_it_was_sent(chats: ChatSessions) -> None:
    session = await chats.create()
    message = {
        "id": "a/b ü",
        "role": "user",
        "content": [{"type": "text", "text": "hi"}],
        "parts": [],
        "metadata": {"a": 1},
    }
    [stored] = await chats.append(session["id"], [message])
    assert as_sent(stored) == message


async def test_a_replaced_message_keeps_its_place(chats: ChatSessions) -> None:
    session = await chats.create(
        messages=[{"id": "a/b?c#d%2F ü", "role": "user", "content": "hi"}, *user_messages("bye")]
    )
    replaced = await chats.replace(session["id"], "a/b?c#d%2F ü", {"role": "user", "content": "hello"})
    assert (replaced["sequence"], replaced["content"]) == (0, "hello")
    with pytest.raises(NotFound):
        await chats.replace(session["id"], "another", {"role": "user", "content": "hello"})


async def test_a_cut_removes_the_messages_from_a_sequence_on(chats: ChatSessions) -> None:
    session = await chats.create(messages=numbered(3))
    await chats.cut(session["id"], 1)
    assert contents(await chats.newest(session["id"])) == ["0"]


async def test_a_change_with_a_stale_etag_is_a_failed_precondition(chats: ChatSessions) -> None:
    session_id = (await chats.create(messages=[{"id": "m1", "role": "user", "content": "hi"}]))["id"]
    etag = (await chats.get(session_id))["etag"]
    await chats.change(session_id, title="Lisbon", if_match=etag)
    with pytest.raises(PreconditionFailed):
        await chats.change(session_id, title="Porto", if_match=etag)
    with pytest.raises(PreconditionFailed):
        await chats.replace(session_id, "m1", {"role": "user"}, if_match=etag)
    with pytest.raises(PreconditionFailed):
        await chats.cut(session_id, 0, if_match=etag)
    with pytest.raises(PreconditionFailed):
        await chats.delete(session_id, if_match=etag)
    assert contents((await chats.get(session_id))["messages"]) == ["hi"]


async def test_a_session_is_renamed_pinned_archived_and_patched(chats: ChatSessions) -> None:
    session = await chats.create(title="Lisbon", metadata={"project": "lisbon", "model": "small"})
    metadata = {"project": None, "model": "large"}
    changed = await chats.change(session["id"], title=None, is_pinned=True, is_archived=True, metadata=metadata)
    expected = {"title": None, "is_pinned": True, "is_archived": True, "metadata": {"model": "large"}}
    assert changed == {**session, **expected}


async def test_deleting_a_missing_session_raises_not_found(chats: ChatSessions) -> None:
    session = await chats.create()
    await chats.delete(session["id"])
    with pytest.raises(NotFound):
        await chats.delete(session["id"])
    with pytest.raises(Conflict):
        await chats.create(id=session["id"])


async def test_a_batch_deletion_takes_ids_or_a_filter(chats: ChatSessions) -> None:
    first, second, third = [(await chats.create(title=title))["id"] for title in ("first", "second", "third")]
    foreseen = await chats.batch_delete(ids=[first], dry_run=True)
    assert foreseen == {"deleted": [first], "not_found": [], "count": 1}
    assert await chats.batch_delete(ids=[first, "none"]) == {"deleted": [first], "not_found": ["none"], "count": 1}
    assert (await chats.batch_delete(filter={"q": "second"}))["deleted"] == [second]
    assert (await chats.batch_delete(filter={"all": True}))["deleted"] == [third]


async def test_a_search_finds_messages(chats: ChatSessions) -> None:
    for text in ("Lisbon is the capital.", "Lisbon, of course."):
        await chats.create(messages=user_messages(text))
    await chats.create(messages=user_messages("Porto"))
    pages = [page async for page in chats.search("lisbon", limit=1)]
    snippets = [result["message"] and result["message"]["snippet"] for page in pages for result in page["results"]]
    assert snippets == ["Lisbon, of course.", "Lisbon is the capital."]


async def test_the_export_has_every_session_with_its_messages(chats: ChatSessions) -> None:
    text = "a line\nand\u2028another\x85"
    await chats.create(title="first", messages=user_messages(text))
    await chats.create(title="second")
    exported = {each["title"]: contents(each["messages"]) async for each in chats.export()}
    assert exported == {"first": [text], "second": []}


async def test_events_follow_the_changes(chats: ChatSessions) -> None:
    async with aclosing(chats.events()) as events:
        received = asyncio.ensure_future(anext(events))

        async def arrives() -> bool:
            await chats.create()
            return received.done()

        # The stream has only events from after its start.
        await until(arrives)
        assert received.result()["type"] == "session.created"


async def test_another_user_is_served_on_the_same_connections(chats: ChatSessions) -> None:
    session = await chats.create(title="Ada's")
    bob = chats.with_token(token("bob"))
    with pytest.raises(NotFound):
        await bob.get(session["id"])
    assert (await bob.create())["user_id"] == "bob"


async def test_the_token_function_is_called_for_each_request(service_url: str) -> None:
    users = iter(("ada", "bob"))
    async with ChatSessions(service_url, lambda: token(next(users))) as chats:
        assert [(await chats.create())["user_id"] for _ in range(2)] == ["ada", "bob"]


async def test_the_token_function_may_be_asynchronous(service_url: str) -> None:
    async def fetched() -> str:
        return token("ada")

    async with ChatSessions(service_url, fetched) as chats:
        assert (await chats.create())["user_id"] == "ada"


async def test_an_invalid_request_says_what_is_wrong(chats: ChatSessions) -> None:
    with pytest.raises(Problem) as invalid:
        await chats.create(messages=[{"role": "Nobody"}])
    assert (invalid.value.status, invalid.value.type) == (422, "urn:chat-sessions:invalid-request")
    assert invalid.value.detail in str(invalid.value)
    assert invalid.value.errors[0]["loc"] == ["body", "messages", 0, "role"]


async def test_a_missing_token_is_a_problem(service_url: str) -> None:
    async with ChatSessions(service_url, "none") as chats:
        with pytest.raises(Problem) as refused:
            await chats.create()
    assert refused.value.status == 401


async def test_the_first_example_of_the_readme_deletes_a_chat(
    service_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKEN", token("ada"))
    await asyncio.to_thread(run, examples("README.md")[0], service_url)
    assert capsys.readouterr().out == "['Trip to Lisbon']\n404 Session not found.\n"


async def test_the_second_example_of_the_readme_writes_for_a_user(
    chats: ChatSessions, service_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await chats.create()
    monkeypatch.setenv("SECRET", SECRET)
    _, example = examples("README.md")
    defined = run(example, service_url)
    async with defined["service"]:
        await defined["store"]("ada", session["id"], "Lisbon.")
    assert contents(await chats.newest(session["id"])) == ["Lisbon."]


@pytest.mark.parametrize(
    ("given", "schema"),
    [
        (schemas.Summary, "SessionSummary"),
        (schemas.SessionPage, "SessionList"),
        (schemas.Message, "Message"),
        (schemas.SearchPage, "SearchResults"),
        (schemas.SearchResult, "SearchResult"),
        (schemas.FoundMessage, "FoundMessage"),
        (schemas.BatchDeleted, "BatchDeleted"),
        (schemas.Event, "SessionEvent"),
        (schemas.Changes, "SessionChange"),
        (schemas.DeletionFilter, "DeletionFilter"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_types_are_those_of_the_document(given: type, schema: str) -> None:
    documented = DOCUMENT["components"]["schemas"][schema]
    assert set(given.__annotations__) == set(documented["properties"])
    assert required(given) == set(documented.get("required", ()))


def required(given: type) -> set[str]:
    keys: frozenset[str] = vars(given)["__required_keys__"]
    return set(keys)
