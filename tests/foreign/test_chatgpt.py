"""Conversion of chats from ChatGPT."""

from typing import Any

from chat_sessions.operator.foreign import chatgpt
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses
from tests.foreign.shapes import Json, gpt_chat, gpt_message, gpt_node


def converted(chat: Json) -> tuple[Chat, Losses]:
    losses = Losses()
    return chatgpt.convert(chat, losses), losses


def transcript(chat: Json) -> list[Any]:
    return [(each["role"], each["content"]) for each in converted(chat)[0].messages]


def test_only_the_visible_branch_is_kept_and_the_others_are_counted() -> None:
    chat = gpt_chat(gpt_message("q", "user", "Where?"), gpt_message("new", "assistant", "Porto"))
    chat["mapping"]["old"] = gpt_node("old", "q", gpt_message("old", "assistant", "Faro"))
    chat["mapping"]["older"] = gpt_node("older", "old", gpt_message("older", "user", "And then?"))
    result, losses = converted(chat)
    assert [each["content"] for each in result.messages] == ["Where?", "Porto"]
    assert losses == {LeftOut.BRANCHES: 2, LeftOut.HIDDEN: 0}


def test_without_a_current_node_the_latest_leaf_is_shown() -> None:
    chat = gpt_chat(gpt_message("q", "user", "Where?"), gpt_message("a", "assistant", "Faro"), current_node=None)
    chat["mapping"] = {key: chat["mapping"][key] for key in ("a", "q", "system", "root")}
    assert transcript(chat) == [("user", "Where?"), ("assistant", "Faro")]


def test_a_cycle_of_parents_ends() -> None:
    chat = gpt_chat(gpt_message("q", "user", "Where?"), gpt_message("a", "assistant", "Faro"))
    chat["mapping"]["root"]["parent"] = "a"
    assert transcript(chat) == [("user", "Where?"), ("assistant", "Faro")]


def test_title_times_flags_and_models_are_kept() -> None:
    response = gpt_message("a", "assistant", "Hi", metadata={"model_slug": "gpt-5-thinking"}, create_time=1756000002)
    chat, _ = converted(gpt_chat(response, is_archived=True, is_starred=True))
    assert (chat.title, chat.is_archived, chat.is_pinned) == ("Lisbon", True, True)
    assert str(chat.created_at) == "2025-08-24 01:46:40.250000+00:00"
    assert str(chat.updated_at) == "2025-08-24 01:53:20.750000+00:00"
    assert chat.id == "6b0f0d9c-0000-4000-8000-000000000001"
    assert chat.facts["model"] == "gpt-5"
    assert chat.messages[0]["metadata"] == {"model": "gpt-5-thinking"}
    assert str(chat.messages[0]["created_at"]) == "2025-08-24 01:46:42+00:00"


def test_custom_instructions_and_hidden_messages_are_left_out_and_counted() -> None:
    context = {"content_type": "user_editable_context", "user_profile": "An SRE.", "user_instructions": "Be brief."}
    hidden = gpt_message("h", "user", "context", metadata={"is_visually_hidden_from_conversation": True})
    result, losses = converted(gpt_chat(gpt_message("c", "user", context), hidden, gpt_message("q", "user", "Hi")))
    assert [each["content"] for each in result.messages] == ["Hi"]
    assert losses[LeftOut.HIDDEN] == 2
    assert losses[LeftOut.BRANCHES] == 0


def test_a_tool_call_and_its_result_become_a_call_and_a_tool_message() -> None:
    call = {"content_type": "code", "language": "unknown", "text": '{"query": "Lisbon"}'}
    result = {"content_type": "execution_output", "text": "found"}
    chat = gpt_chat(
        gpt_message("c", "assistant", call, recipient="web.run"),
        gpt_message("r", "tool", result, name="web.run"),
    )
    function = {"name": "web.run", "arguments": '{"query": "Lisbon"}'}
    calling, returned = converted(chat)[0].messages
    assert calling["tool_calls"] == [{"id": "c", "type": "function", "function": function}]
    assert (returned["role"], returned["content"]) == ("tool", "found")
    assert (returned["tool_call_id"], returned["name"]) == ("c", "web.run")


def test_arguments_that_are_not_a_json_object_are_wrapped_in_one() -> None:
    code = {"content_type": "code", "language": "python", "text": "print(1)"}
    (call,) = converted(gpt_chat(gpt_message("c", "assistant", code, recipient="python")))[0].messages
    assert call["tool_calls"][0]["function"]["arguments"] == '{"input": "print(1)"}'


def test_code_addressed_to_everyone_becomes_a_fenced_block() -> None:
    code = {"content_type": "code", "language": "python", "text": "print(1)"}
    assert transcript(gpt_chat(gpt_message("c", "assistant", code))) == [("assistant", "```python\nprint(1)\n```")]


def test_thoughts_become_reasoning() -> None:
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Plan", "content": "First, the map."}]}
    assert transcript(gpt_chat(gpt_message("t", "assistant", thoughts))) == [
        ("reasoning", "**Plan**\n\nFirst, the map.")
    ]


def test_an_image_is_counted_once_and_named_and_the_text_is_kept() -> None:
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1", "width": 1}
    content = {"content_type": "multimodal_text", "parts": [pointer, "What is this?"]}
    attachments = [{"id": "file-1", "name": "bridge.png", "mime_type": "image/png"}]
    result, losses = converted(gpt_chat(gpt_message("q", "user", content, metadata={"attachments": attachments})))
    (message,) = result.messages
    assert message["content"] == "What is this?"
    assert message["metadata"] == {"attachments": ["bridge.png"]}
    assert losses[LeftOut.FILES] == 1


def test_a_message_with_only_an_image_becomes_a_placeholder() -> None:
    content = {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}]}
    assert transcript(gpt_chat(gpt_message("q", "user", content))) == [("user", "[image]")]


def test_speech_is_kept_as_its_transcription() -> None:
    parts = [{"content_type": "audio_transcription", "text": "Bom dia"}, {"content_type": "audio_asset_pointer"}]
    result, losses = converted(gpt_chat(gpt_message("q", "user", {"content_type": "multimodal_text", "parts": parts})))
    assert [each["content"] for each in result.messages] == ["Bom dia"]
    assert losses[LeftOut.FILES] == 1


def test_citations_become_the_links_that_chatgpt_shows() -> None:
    mark, unknown = "\ue200cite\ue202turn0search0\ue201", "\ue200cite\ue202turn0search9\ue201"
    references = [{"matched_text": mark, "alt": "([Visit](https://example.com))"}, {"matched_text": " ", "alt": "x"}]
    response = gpt_message("a", "assistant", f"Go {mark}.{unknown}", metadata={"content_references": references})
    assert transcript(gpt_chat(response)) == [("assistant", "Go ([Visit](https://example.com)).")]


def test_empty_messages_are_counted() -> None:
    result, losses = converted(gpt_chat(gpt_message("q", "user", " "), gpt_message("a", "assistant", "Hi")))
    assert len(result.messages) == 1
    assert losses[LeftOut.EMPTY] == 1


def test_values_of_other_types_count_as_absent() -> None:
    odd = gpt_message("q", "user", "Hi", create_time="soon", metadata=[], recipient=7)
    chat, _ = converted(gpt_chat(odd, title=5, create_time=-1, update_time="2026-13-01", is_archived="yes"))
    assert (chat.title, chat.created_at, chat.updated_at, chat.is_archived) == ("", None, None, False)
    assert [each["content"] for each in chat.messages] == ["Hi"]
    assert converted({"mapping": [1], "current_node": {}})[0].messages == []
