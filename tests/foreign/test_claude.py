"""Conversion of chats from Claude."""

from typing import Any

from chat_sessions.operator.foreign import claude
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses
from tests.foreign.shapes import Json, claude_chat, claude_message, claude_text

ROOT = "00000000-0000-4000-8000-000000000000"


def converted(chat: Json) -> tuple[Chat, Losses]:
    losses = Losses()
    return claude.convert(chat, losses), losses


def transcript(chat: Json) -> list[Any]:
    return [(each["role"], each["content"]) for each in converted(chat)[0].messages]


def test_a_flat_list_without_parents_is_kept_whole() -> None:
    chat = claude_chat(
        claude_message("1", "human", claude_text("Where?")),
        claude_message("2", "assistant", claude_text("Porto")),
        claude_message("2", "human", claude_text("The same id again")),
    )
    assert transcript(chat) == [("user", "Where?"), ("assistant", "Porto"), ("user", "The same id again")]


def test_the_latest_branch_is_kept_and_the_others_are_counted() -> None:
    chat = claude_chat(
        claude_message("1", "human", claude_text("Where?"), parent_message_uuid=ROOT),
        claude_message("2", "assistant", claude_text("Faro"), parent_message_uuid="1"),
        claude_message("3", "assistant", claude_text("Porto"), parent_message_uuid="1"),
    )
    result, losses = converted(chat)
    assert [each["content"] for each in result.messages] == ["Where?", "Porto"]
    assert losses[LeftOut.BRANCHES] == 1
    assert transcript({**chat, "current_leaf_message_uuid": "2"}) == [("user", "Where?"), ("assistant", "Faro")]


def test_older_messages_without_parents_are_kept_when_newer_ones_have_them() -> None:
    chat = claude_chat(
        claude_message("1", "human", claude_text("a")),
        claude_message("2", "assistant", claude_text("b")),
        claude_message("3", "human", claude_text("c"), parent_message_uuid="2"),
    )
    assert [content for _, content in transcript(chat)] == ["a", "b", "c"]


def test_title_times_and_facts_are_kept() -> None:
    chat, _ = converted(claude_chat(claude_message("1", "human", claude_text("Hi")), project={"name": "Travel"}))
    assert (chat.id, chat.title) == ("019d386a-7691-7e84-bcd6-1637c32bd6ad", "Lisbon")
    assert str(chat.created_at) == "2026-03-29 07:06:34.084721+00:00"
    assert str(chat.updated_at) == "2026-03-29 12:59:41.658730+00:00"
    assert chat.facts["project"] == "Travel"
    assert str(chat.messages[0]["created_at"]) == "2026-03-29 07:06:35.552627+00:00"


def test_a_turn_with_thinking_tools_and_text_becomes_several_messages_in_order() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "name": "search", "content": [{"type": "text", "text": "sun"}]}
    turn = claude_message(
        "m",
        "assistant",
        {"type": "thinking", "thinking": "Look it up."},
        claude_text("Let me see."),
        {"type": "tool_use", "id": "t", "name": "search", "input": {"city": "Lisbon", "days": 3}},
        result,
        {"type": "token_budget"},
        claude_text("Sunny."),
    )
    chat, losses = converted(claude_chat(turn))
    assert [(each["role"], each["content"]) for each in chat.messages] == [
        ("reasoning", "Look it up."),
        ("assistant", "Let me see."),
        ("tool", "sun"),
        ("assistant", "Sunny."),
    ]
    function = {"name": "search", "arguments": '{"city": "Lisbon", "days": 3}'}
    assert chat.messages[1]["tool_calls"] == [{"id": "t", "type": "function", "function": function}]
    assert chat.messages[2]["tool_call_id"] == "t"
    assert [each["id"] for each in chat.messages] == ["m", "m:1", "m:2", "m:3"]
    assert not losses[LeftOut.UNKNOWN]


def test_the_single_text_field_of_an_older_export_is_read() -> None:
    assert transcript(claude_chat(claude_message("1", "human", text="Hi"))) == [("user", "Hi")]


def test_the_text_of_attachments_is_kept_and_files_are_counted() -> None:
    attachments = [
        {"file_name": "plan.txt", "extracted_content": "Day 1"},
        {"file_name": "", "extracted_content": "pasted"},
        {"file_name": "scan.pdf", "extracted_content": ""},
    ]
    files = [{"file_name": "bridge.png"}]
    message = claude_message("1", "human", claude_text("See"), attachments=attachments, files=files, files_v2=files)
    chat, losses = converted(claude_chat(message))
    (kept,) = chat.messages
    assert [each["text"] for each in kept["content"]] == ["See", "plan.txt:\n\nDay 1", "pasted"]
    assert kept["metadata"] == {"attachments": ["scan.pdf", "bridge.png"]}
    assert losses[LeftOut.FILES] == 2


def test_unknown_blocks_and_empty_messages_are_counted() -> None:
    _, losses = converted(claude_chat(claude_message("1", "human"), claude_message("2", "human", {"type": "hologram"})))
    assert (losses[LeftOut.EMPTY], losses[LeftOut.UNKNOWN]) == (2, 1)


def test_an_attachment_does_not_change_the_tool_calls_of_its_message() -> None:
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    message = claude_message("m", "assistant", call, attachments=[{"file_name": "", "extracted_content": "x"}])
    called, attached = converted(claude_chat(message))[0].messages
    assert called["tool_calls"][0]["id"] == "t"
    assert attached["content"] == [{"type": "text", "text": "x"}]
