"""The command `import --from`, with the exports of other products."""

from pathlib import Path

import pytest

from chat_sessions.settings import Settings
from tests.command import Operator
from tests.foreign.shapes import (
    Json,
    claude_chat,
    claude_message,
    claude_text,
    dumped,
    gpt_chat,
    gpt_message,
    gpt_node,
    libre_chat,
    libre_message,
    webui_chat,
    webui_message,
    zipped,
)
from tests.service import Caller

ROOT = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def operator(settings: Settings) -> Operator:
    return Operator(settings)


def gpt_chats(count: int) -> list[Json]:
    return [
        gpt_chat(gpt_message("q", "user", f"question {number}"), title=f"chat {number}", conversation_id=f"c{number}")
        for number in range(count)
    ]


async def imported(operator: Operator, content: bytes, source: str = "chatgpt", *more: str, **changes: str) -> str:
    arguments = ("import", "--from", source, "--user", "ada", *more)
    return (await operator.succeed(*arguments, stdin=content, **changes)).stdout


async def test_a_zip_of_chatgpt_becomes_the_users_sessions(operator: Operator, ada: Caller) -> None:
    chat = gpt_chat(
        gpt_message("q", "user", "Olá 😀"),
        gpt_message("a", "assistant", "Hi", metadata={"model_slug": "gpt-5"}),
        is_archived=True,
        is_starred=True,
    )
    content = zipped({"conversations.json": dumped([chat]), "user.json": b"{}", "chat.html": b"<html>"})
    assert await imported(operator, content) == "Imported 1 session with 2 messages from ChatGPT.\n"
    (session,) = (await ada.page(archived="true")).json()["sessions"]
    assert (session["title"], session["is_pinned"], session["is_archived"]) == ("Lisbon", True, True)
    assert session["created_at"].startswith("2025-08-24T01:46:40.25")
    assert session["updated_at"].startswith("2025-08-24T01:53:20.75")
    origin = {"from": "chatgpt", "id": "6b0f0d9c-0000-4000-8000-000000000001", "model": "gpt-5"}
    assert session["metadata"] == {"imported": origin}
    opened = (await ada.get(session["id"])).json()
    question, response = opened["messages"]
    assert (question["id"], question["role"], question["content"]) == ("q", "user", "Olá 😀")
    assert question["created_at"].startswith("2025-08-24T01:46:41.5")
    assert response["metadata"] == {"model": "gpt-5"}


async def test_an_imported_chat_can_be_continued_and_deleted(operator: Operator, ada: Caller) -> None:
    await imported(operator, dumped(gpt_chats(1)))
    (session,) = (await ada.page()).json()["sessions"]
    added = (await ada.append(session["id"], "next")).json()["messages"]
    assert [each["sequence"] for each in added] == [1]
    assert (await ada.delete(session["id"])).status_code == 204


@pytest.mark.parametrize(
    ("source", "product", "chat"),
    [
        ("claude", "Claude", claude_chat(claude_message("1", "human", claude_text("Hi")))),
        ("open-webui", "Open WebUI", webui_chat(webui_message("1", None, "user", "Hi"))),
        ("librechat", "LibreChat", libre_chat(libre_message("1", ROOT, "Hi", isCreatedByUser=True))),
    ],
)
async def test_a_file_of_each_other_product_becomes_a_session(
    source: str, product: str, chat: Json, operator: Operator, ada: Caller
) -> None:
    output = await imported(operator, dumped([chat]), source)
    assert output == f"Imported 1 session with 1 message from {product}.\n"
    (session,) = (await ada.page()).json()["sessions"]
    assert session["title"] == "Lisbon"
    (message,) = (await ada.get(session["id"])).json()["messages"]
    assert (message["role"], message["content"]) == ("user", "Hi")


async def test_the_same_file_twice_adds_nothing(operator: Operator, ada: Caller) -> None:
    content = dumped(gpt_chats(3))
    await imported(operator, content)
    before = (await ada.page()).json()
    assert await imported(operator, content) == (
        "Imported 0 sessions with 0 messages from ChatGPT.\nAlready here, and left as they are: 3 sessions.\n"
    )
    assert (await ada.page()).json() == before


async def test_a_chat_that_appears_twice_in_a_file_is_imported_once(operator: Operator, ada: Caller) -> None:
    output = await imported(operator, dumped(gpt_chats(1) + gpt_chats(2)))
    assert "Imported 2 sessions" in output
    assert "Already here, and left as they are: 1 session." in output
    assert sorted(await ada.titles()) == ["chat 0", "chat 1"]


async def test_a_deleted_chat_does_not_come_back(operator: Operator, ada: Caller) -> None:
    content = dumped(gpt_chats(2))
    await imported(operator, content)
    doomed = (await ada.page(q="chat 1")).json()["sessions"][0]
    await ada.delete(doomed["id"])
    assert await imported(operator, content) == (
        "Imported 0 sessions with 0 messages from ChatGPT.\n"
        "Already here, and left as they are: 1 session.\n"
        "Deleted here, and not brought back: 1 session.\n"
    )
    assert await ada.titles() == ["chat 0"]


async def test_each_user_has_their_own_copy(operator: Operator, ada: Caller, bob: Caller) -> None:
    content = dumped(gpt_chats(1))
    await imported(operator, content)
    assert await bob.titles() == []
    await operator.succeed("import", "--from", "chatgpt", "--user", "bob", stdin=content)
    assert await bob.titles() == await ada.titles() == ["chat 0"]


async def test_the_output_counts_everything_that_was_not_kept(operator: Operator, ada: Caller) -> None:
    pointer = {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}]}
    chat = gpt_chat(
        gpt_message("i", "user", pointer),
        gpt_message("e", "user", ""),
        gpt_message("h", "user", "secret", metadata={"is_visually_hidden_from_conversation": True}),
        gpt_message("big", "user", "x" * 3000),
        gpt_message("nul", "assistant", "a\0b\ud800"),
    )
    chat["mapping"]["old"] = gpt_node("old", "i", gpt_message("old", "assistant", "regenerated"))
    output = await imported(operator, dumped([chat, gpt_chat(conversation_id="empty")]), CHAT_MAX_MESSAGE_BYTES="2048")
    assert output.splitlines() == [
        "Imported 1 session with 2 messages from ChatGPT.",
        "Not kept:",
        "        1  messages of other branches (edited questions, regenerated answers)",
        "        1  images and files",
        "        1  hidden messages (instructions and context)",
        "        1  empty messages",
        "        1  messages that are too large (CHAT_MAX_MESSAGE_BYTES is 2 KiB)",
        "        1  chats without messages",
        "        2  characters that Postgres cannot store (now U+FFFD)",
    ]
    (session,) = (await ada.page()).json()["sessions"]
    contents = [each["content"] for each in (await ada.get(session["id"])).json()["messages"]]
    assert contents == ["[image]", "a\ufffdb\ufffd"]


async def test_the_file_of_another_product_is_refused_and_nothing_is_imported(operator: Operator, ada: Caller) -> None:
    result = await operator.fail("import", "--from", "claude", "--user", "ada", stdin=dumped(gpt_chats(2)))
    assert result.stderr == ("This is not an export of Claude. It looks like one of ChatGPT: use --from chatgpt.\n")
    assert await ada.titles() == []


async def test_without_from_a_foreign_export_is_refused_with_advice(operator: Operator) -> None:
    for content in (dumped(gpt_chats(1)), zipped({"conversations.json": dumped(gpt_chats(1))})):
        result = await operator.fail("import", "--user", "ada", stdin=content)
        assert "use --from" in result.stderr


async def test_a_truncated_file_imports_its_complete_chats_and_the_whole_file_adds_the_rest(
    operator: Operator, ada: Caller
) -> None:
    whole = dumped(gpt_chats(3))
    result = await operator.fail("import", "--from", "chatgpt", "--user", "ada", stdin=whole[:-20])
    assert "Imported 2 sessions" in result.stdout
    assert "The file is incomplete or not JSON. Download it again" in result.stderr
    assert "Imported 1 session with" in await imported(operator, whole)
    assert sorted(await ada.titles()) == ["chat 0", "chat 1", "chat 2"]


async def test_rejected_chats_are_named_by_number_and_strict_stops_there(operator: Operator, ada: Caller) -> None:
    content = dumped([*gpt_chats(1), {"mangled": True}, *gpt_chats(2)])
    arguments = ("import", "--from", "chatgpt", "--user", "ada")
    stopped = await operator.fail(*arguments, "--strict", stdin=content)
    assert stopped.stderr == "Chat 2: not a chat of ChatGPT.\n"
    assert await ada.titles() == ["chat 0"]
    result = await operator.fail(*arguments, stdin=content)
    assert "Rejected: 1 chat.\n" in result.stdout
    assert sorted(await ada.titles()) == ["chat 0", "chat 1"]


async def test_new_ids_import_a_second_copy(operator: Operator, ada: Caller) -> None:
    content = dumped(gpt_chats(1))
    await imported(operator, content)
    assert "Imported 1 session" in await imported(operator, content, "chatgpt", "--new-ids")
    assert await ada.titles() == ["chat 0", "chat 0"]


async def test_a_file_can_be_given_as_an_argument(operator: Operator, ada: Caller, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(zipped({"conversations-000.json": dumped(gpt_chats(1))}))
    await operator.succeed("import", "--from", "chatgpt", "--user", "ada", str(path))
    assert await ada.titles() == ["chat 0"]


async def test_an_export_of_imported_chats_can_be_imported_again(operator: Operator, ada: Caller, bob: Caller) -> None:
    await imported(operator, dumped(gpt_chats(3)))
    own = (await operator.succeed("export", "--user", "ada")).stdout_bytes
    await operator.succeed("import", "--user", "bob", stdin=own)
    assert [each | {"user_id": ""} for each in (await bob.page()).json()["sessions"]] == [
        each | {"user_id": ""} for each in (await ada.page()).json()["sessions"]
    ]
