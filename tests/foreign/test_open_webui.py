"""Conversion of chats from Open WebUI."""

import html
import json
from time import process_time
from typing import Any

from chat_sessions.operator.foreign import open_webui
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses
from tests.foreign.shapes import Json, webui_chat, webui_message


def converted(chat: Json) -> tuple[Chat, Losses]:
    losses = Losses()
    return open_webui.convert(chat, losses), losses


def transcript(chat: Json) -> list[Any]:
    return [(each["role"], each["content"]) for each in converted(chat)[0].messages]


QUESTION = webui_message("q", None, "user", "Where?")


def test_only_the_current_branch_is_kept_and_the_others_are_counted() -> None:
    responses = [webui_message(each, "q", "assistant", each) for each in ("Faro", "Porto", "Braga")]
    result, losses = converted(webui_chat(QUESTION, *responses, current="Porto"))
    assert [each["content"] for each in result.messages] == ["Where?", "Porto"]
    assert losses[LeftOut.BRANCHES] == 2


def test_title_times_flags_tags_and_models_are_kept() -> None:
    response = webui_message("a", "q", "assistant", "Porto", model="llama3.1:latest", timestamp=1700000010)
    chat, _ = converted(webui_chat(QUESTION, response, pinned=True, archived=True))
    assert (chat.title, chat.is_pinned, chat.is_archived) == ("Lisbon", True, True)
    assert str(chat.created_at) == "2023-11-14 22:13:20+00:00"
    assert str(chat.updated_at) == "2023-11-14 22:13:40+00:00"
    assert (chat.facts["models"], chat.facts["tags"]) == (["llama3.1:latest"], ["travel"])
    assert chat.messages[1]["metadata"] == {"model": "llama3.1:latest"}
    assert str(chat.messages[1]["created_at"]) == "2023-11-14 22:13:30+00:00"


def test_times_in_milliseconds_and_nanoseconds_are_recognized() -> None:
    chat, _ = converted(webui_chat(QUESTION, created_at=1700000000000, updated_at=1700000020000000000))
    assert str(chat.created_at) == "2023-11-14 22:13:20+00:00"
    assert str(chat.updated_at) == "2023-11-14 22:13:40+00:00"


def test_output_items_become_reasoning_calls_results_and_text() -> None:
    output = [
        {"type": "reasoning", "content": [{"type": "output_text", "text": "15 * 17"}], "summary": None},
        {"type": "function_call", "call_id": "c", "name": "multiply", "arguments": '{"a": 15}'},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "255"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It is 255."}]},
    ]
    response = webui_message("a", None, "assistant", "<details>shown</details>", output=output)
    assert transcript(webui_chat(response)) == [
        ("reasoning", "15 * 17"),
        ("assistant", None),
        ("tool", "255"),
        ("assistant", "It is 255."),
    ]


def test_reasoning_and_tool_calls_in_the_text_become_messages() -> None:
    arguments, result = (html.escape(json.dumps(json.dumps({each: 1}))) for each in "ar")
    content = (
        '<details type="reasoning" done="true" duration="3">\n<summary>Thought for 3 seconds</summary>\n'
        "&gt; a &lt; b\n&gt; so be it\n</details>\n"
        f'<details type="tool_calls" done="true" id="c" name="get" arguments="{arguments}" result="{result}">\n'
        "<summary>Tool Executed</summary>\n</details>\nDone."
    )
    messages = converted(webui_chat(webui_message("a", None, "assistant", content)))[0].messages
    assert [(each["role"], each["content"]) for each in messages] == [
        ("reasoning", "a < b\nso be it"),
        ("assistant", None),
        ("tool", '{"r": 1}'),
        ("assistant", "Done."),
    ]
    assert messages[1]["tool_calls"][0]["function"] == {"name": "get", "arguments": '{"a": 1}'}


def test_results_that_decode_to_characters_postgres_cannot_store_are_cleaned() -> None:
    result = html.escape(r'"a\u0000b\ud800"')
    content = f'<details type="tool_calls" id="c" name="get" arguments="{{}}" result="{result}">\n</details>'
    assert transcript(webui_chat(webui_message("a", None, "assistant", content)))[1] == ("tool", "a\ufffdb\ufffd")


def test_other_details_stay_in_the_text() -> None:
    content = '<details><summary>More</summary>x</details> <details type="reasoning"><summary>unfinished'
    assert transcript(webui_chat(webui_message("a", None, "assistant", content))) == [("assistant", content)]


def test_a_megabyte_of_unclosed_details_takes_linear_time() -> None:
    for hostile in ('<details type="reasoning">', '<details type="reasoning"><summary></details>'):
        content = hostile * (1024 * 1024 // len(hostile))
        started = process_time()
        converted(webui_chat(webui_message("a", None, "assistant", content)))
        # Quadratic time would take hours.
        assert process_time() - started < 60


def test_embedded_images_are_kept_and_others_are_counted() -> None:
    files = [
        {"type": "image", "url": "data:image/png;base64,AAAA"},
        {"type": "image", "url": "/api/v1/files/1/content", "name": "bridge.png"},
        {"type": "file", "name": "plan.pdf", "url": "2"},
    ]
    chat, losses = converted(webui_chat(webui_message("q", None, "user", "See", files=files)))
    (message,) = chat.messages
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert message["content"] == [{"type": "text", "text": "See"}, image]
    assert message["metadata"] == {"attachments": ["bridge.png", "plan.pdf"]}
    assert losses[LeftOut.FILES] == 2


def test_a_chat_of_an_old_version_is_read() -> None:
    chat = {"id": "x", "title": "Old", "history": {}, "messages": [QUESTION, webui_message("a", "q", "assistant", "b")]}
    assert open_webui.recognizes(chat)
    assert transcript(chat) == [("user", "Where?"), ("assistant", "b")]
