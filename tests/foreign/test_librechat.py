"""Conversion of chats from LibreChat."""

from typing import Any

from chat_sessions.operator.foreign import librechat
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses
from tests.foreign.shapes import LIBRE_ROOT, Json, libre_chat, libre_message

QUESTION = libre_message("q", LIBRE_ROOT, "Where?", isCreatedByUser=True)


def converted(chat: Json) -> tuple[Chat, Losses]:
    losses = Losses()
    return librechat.convert(chat, losses), losses


def transcript(chat: Json) -> list[Any]:
    return [(each["role"], each["content"]) for each in converted(chat)[0].messages]


def test_the_latest_branch_of_a_list_is_kept_and_the_others_are_counted() -> None:
    chat = libre_chat(QUESTION, libre_message("a", "q", "Faro"), libre_message("b", "q", "Porto"))
    result, losses = converted(chat)
    assert [(each["role"], each["content"]) for each in result.messages] == [("user", "Where?"), ("assistant", "Porto")]
    assert losses[LeftOut.BRANCHES] == 1


def test_the_latest_branch_of_a_tree_is_kept() -> None:
    old = libre_message("a", "q", "Faro", children=[libre_message("x", "a", "old")])
    new = libre_message("b", "q", "Porto", children=[libre_message("c", "b", "Thanks", isCreatedByUser=True)])
    chat = libre_chat(messagesTree=[{**QUESTION, "children": [old, new]}], recursive=True)
    del chat["messages"]
    assert transcript(chat) == [("user", "Where?"), ("assistant", "Porto"), ("user", "Thanks")]
    assert converted(chat)[1][LeftOut.BRANCHES] == 2


def test_the_tree_of_a_long_chat_is_read() -> None:
    tree: list[Json] = []
    for number in reversed(range(3000)):
        tree = [libre_message(str(number), str(number - 1), f"m{number}", children=tree)]
    messages = converted(libre_chat(messagesTree=tree))[0].messages
    assert [each["content"] for each in messages] == [f"m{number}" for number in range(3000)]


def test_a_chat_has_the_times_of_its_messages() -> None:
    later = libre_message("a", "q", "Porto", createdAt="2024-04-09T14:33:00.000Z", model="gpt-4o")
    chat, _ = converted(libre_chat(QUESTION, later))
    assert str(chat.created_at) == "2024-04-09 14:32:05.230000+00:00"
    assert str(chat.updated_at) == "2024-04-09 14:33:00+00:00"
    assert (chat.id, chat.facts["model"]) == ("af1ea676-f525-444f-a9ed-7c8dbf062733", "gpt-4o")
    assert chat.messages[1]["metadata"] == {"model": "gpt-4o"}


def test_content_parts_become_reasoning_calls_results_and_text() -> None:
    parts = [
        {"type": "think", "think": "Look it up."},
        {"type": "text", "text": {"value": "Let me see."}},
        {"type": "tool_call", "tool_call": {"id": "t", "name": "search", "args": '{"q": 1}', "output": "sun"}},
        {"type": "tool_call", "tool_call": {"id": "u", "function": {"name": "f", "arguments": "{}", "output": "x"}}},
        {"type": "text", "text": "Sunny."},
        {"type": "agent_update", "agent_update": {}},
    ]
    chat, losses = converted(libre_chat(libre_message("a", LIBRE_ROOT, "", content=parts)))
    assert [(each["role"], each["content"]) for each in chat.messages] == [
        ("reasoning", "Look it up."),
        ("assistant", "Let me see."),
        ("tool", "sun"),
        ("assistant", None),
        ("tool", "x"),
        ("assistant", "Sunny."),
    ]
    assert chat.messages[1]["tool_calls"][0]["function"] == {"name": "search", "arguments": '{"q": 1}'}
    assert chat.messages[4]["tool_call_id"] == "u"
    assert losses[LeftOut.UNKNOWN] == 1


def test_files_are_counted_and_named() -> None:
    chat, losses = converted(libre_chat({**QUESTION, "files": [{"filename": "plan.pdf"}, {"filename": "b.png"}]}))
    assert chat.messages[0]["metadata"] == {"attachments": ["plan.pdf", "b.png"]}
    assert losses[LeftOut.FILES] == 2
