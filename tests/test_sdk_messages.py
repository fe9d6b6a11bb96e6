"""Messages can be sent as common SDKs serialize them, and are returned with every field."""

from typing import Any

import anthropic.types
import openai.types.chat
import openai.types.responses
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage, convert_to_openai_messages

from tests.service import Caller

TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Lisbon"}'}}


def completion(**message: object) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": {"role": "assistant", **message}}
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt", "choices": [choice]}
    return openai.types.chat.ChatCompletion.model_validate(body).choices[0].message.model_dump()


def response() -> dict[str, Any]:
    text = {"type": "output_text", "text": "Sunny.", "annotations": [], "logprobs": []}
    output = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    return openai.types.responses.ResponseOutputMessage.model_validate(output).model_dump()


def claude() -> dict[str, Any]:
    text = {"type": "text", "text": "Let me look.", "citations": None}
    use = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Lisbon"}}
    body = {
        "id": "msg_2",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [text, use],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 11},
    }
    return anthropic.types.Message.model_validate(body).model_dump(mode="json")


WEATHER = AIMessage(
    "",
    tool_calls=[{"name": "weather", "args": {"city": "Lisbon"}, "id": "call_1"}],
    usage_metadata={"input_tokens": 7, "output_tokens": 11, "total_tokens": 18},
)
MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "openai text": (completion(content="Sunny.", refusal=None, annotations=[]), "assistant"),
    "openai tool call": (completion(content=None, refusal=None, tool_calls=[TOOL_CALL]), "assistant"),
    "openai refusal": (completion(content=None, refusal="I cannot help with that."), "assistant"),
    "openai response": (response(), "assistant"),
    "anthropic": (claude(), "assistant"),
    "langchain human": (HumanMessage("Hi", id="h1").model_dump(), "user"),
    "langchain parts": (HumanMessage([{"type": "text", "text": "Hi"}]).model_dump(), "user"),
    "langchain ai": (WEATHER.model_dump(), "assistant"),
    "langchain tool": (ToolMessage("Sunny.", tool_call_id="call_1", name="weather").model_dump(), "tool"),
    "langchain system": (SystemMessage("Be brief.").model_dump(), "system"),
    "langchain as openai": (convert_to_openai_messages(WEATHER), "assistant"),
}


@pytest.mark.parametrize(("message", "role"), MESSAGES.values(), ids=MESSAGES)
async def test_a_message_of_an_sdk_is_returned_with_every_field(
    message: dict[str, Any], role: str, ada: Caller
) -> None:
    session_id = (await ada.create())["id"]
    path = f"/api/chat/sessions/{session_id}/messages"
    appended = await ada.http.post(path, json={"messages": [message]})
    assert appended.status_code == 201, appended.text
    (stored,) = (await ada.get(session_id)).json()["messages"]
    sent = message if message.get("id") else {name: value for name, value in message.items() if name != "id"}
    assert {name: stored[name] for name in sent} == sent
    assert stored["role"] == role
    assert stored["id"]


async def test_repeating_a_message_without_a_role_adds_nothing(ada: Caller) -> None:
    session_id = (await ada.create())["id"]
    path = f"/api/chat/sessions/{session_id}/messages"
    body = {"messages": [HumanMessage("Hi", id="h1").model_dump()]}
    first, second = [await ada.http.post(path, json=body) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()


@pytest.mark.parametrize(
    "message",
    [
        {"type": "human"},
        {"type": "ai", "data": {"content": "Hi"}},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": ["ai"], "content": "Hi"},
        {"content": "Hi"},
    ],
    ids=["no content", "content elsewhere", "not a message", "no type", "neither"],
)
async def test_a_message_without_a_known_role_or_type_is_422(message: dict[str, Any], ada: Caller) -> None:
    session_id = (await ada.create())["id"]
    rejected = await ada.http.post(f"/api/chat/sessions/{session_id}/messages", json={"messages": [message]})
    assert rejected.status_code == 422
    assert rejected.json()["errors"][0]["loc"] == ["body", "messages", 0, "role"]
