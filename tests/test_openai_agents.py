"""The session of the OpenAI Agents SDK, in real runs on the real service; only the model is a fake."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from agents import (
    Agent,
    Model,
    ModelResponse,
    Runner,
    Session,
    SessionSettings,
    TResponseInputItem,
    Usage,
    function_tool,
    set_tracing_disabled,
)
from agents.items import TResponseOutputItem, TResponseStreamEvent
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
)
from openai.types.responses.response_reasoning_item import Summary
from typing_extensions import override

from chat_sessions_client import ChatSessions, Conflict
from chat_sessions_client.openai_agents import ChatSession
from tests.examples import examples, run
from tests.service import token


def message(text: str) -> ResponseOutputMessage:
    # As from a model that gives every message the same id.
    content = ResponseOutputText(type="output_text", text=text, annotations=[])
    return ResponseOutputMessage(id="msg", type="message", role="assistant", status="completed", content=[content])


class Script(Model):
    """A model with prepared responses."""

    def __init__(self, *responses: list[TResponseOutputItem]) -> None:
        self._responses = iter(responses)
        self.inputs: list[str | list[TResponseInputItem]] = []

    @override
    async def get_response(
        self, system_instructions: str | None, input: str | list[TResponseInputItem], *_: object, **__: object
    ) -> ModelResponse:
        self.inputs.append(input)
        return ModelResponse(output=next(self._responses), usage=Usage(), response_id=None)

    @override
    def stream_response(self, *_: object, **__: object) -> AsyncIterator[TResponseStreamEvent]:
        raise NotImplementedError


@function_tool
def weather(city: str) -> str:
    return f"Sunny in {city}."


def user(text: str) -> TResponseInputItem:
    return {"role": "user", "content": text}


@pytest.fixture(autouse=True, scope="module")
def _untraced() -> None:
    # Traces would go to OpenAI.
    set_tracing_disabled(disabled=True)


@pytest.fixture
def session(chats: ChatSessions) -> ChatSession:
    return ChatSession("thread_1", chats)


async def test_a_run_continues_the_chat(session: ChatSession) -> None:
    model = Script([message("Lisbon.")], [message("Madrid.")])
    agent = Agent(name="Guide", model=model)
    await Runner.run(agent, "The capital of Portugal?", session=session)
    result = await Runner.run(agent, "And of Spain?", session=session)
    assert result.final_output == "Madrid."
    assert model.inputs[1] == (await session.get_items())[:3]


async def test_a_run_stores_tool_calls_and_reasoning(session: ChatSession, chats: ChatSessions) -> None:
    reasoning = ResponseReasoningItem(id="rs_1", type="reasoning", summary=[Summary(type="summary_text", text="Hm.")])
    call = ResponseFunctionToolCall(
        id="fc_1", type="function_call", call_id="call_1", name="weather", arguments='{"city":"Lisbon"}'
    )
    agent = Agent(name="Guide", model=Script([reasoning, call], [message("Sunny.")]), tools=[weather])
    result = await Runner.run(agent, "The weather in Lisbon?", session=session)
    assert await session.get_items() == result.to_input_list()
    roles = [stored["role"] for stored in await chats.newest("thread_1")]
    assert roles == ["user", "reasoning", "assistant", "tool", "assistant"]


async def test_all_items_are_returned_in_order(session: ChatSession) -> None:
    items = [user(str(number)) for number in range(450)]
    await session.add_items(items)
    assert await session.get_items() == items
    assert await session.get_items(limit=201) == items[-201:]
    assert await session.get_items(limit=0) == []


async def test_the_limit_of_the_settings_applies(chats: ChatSessions) -> None:
    session = ChatSession("thread_1", chats, session_settings=SessionSettings(limit=1))
    await session.add_items([user("first"), user("second")])
    assert await session.get_items() == [user("second")]
    assert await session.get_items(limit=2) == [user("first"), user("second")]


async def test_a_chat_without_items_is_empty(session: ChatSession) -> None:
    await session.add_items([])
    await session.clear_session()
    assert await session.get_items() == []
    assert await session.pop_item() is None


async def test_popped_items_are_gone(session: ChatSession) -> None:
    call: TResponseInputItem = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
    await session.add_items([user("first"), call])
    assert await session.pop_item() == call
    assert await session.get_items() == [user("first")]
    assert await session.pop_item() == user("first")
    assert await session.pop_item() is None


async def test_concurrent_pops_return_different_items(session: ChatSession, chats: ChatSessions) -> None:
    await session.add_items([user(str(number)) for number in range(8)])
    sessions = [session, ChatSession("thread_1", chats)]
    popped = await asyncio.gather(*(each.pop_item() for each in sessions for _ in range(3)))
    assert sorted(str(item and item["content"]) for item in popped) == ["2", "3", "4", "5", "6", "7"]  # type: ignore[typeddict-item]
    assert await session.get_items() == [user("0"), user("1")]


async def test_a_cleared_chat_takes_new_items(session: ChatSession) -> None:
    await session.add_items([user("first"), user("second")])
    await session.clear_session()
    assert await session.get_items() == []
    await session.add_items([user("first")])
    assert await session.get_items() == [user("first")]


async def test_concurrent_additions_lose_nothing(session: ChatSession, chats: ChatSessions) -> None:
    async def add(adder: ChatSession, name: str) -> list[TResponseInputItem]:
        items = [user(f"{name} {number}") for number in range(10)]
        for item in items:
            await adder.add_items([item])
        return items

    first, second = await asyncio.gather(add(session, "a"), add(ChatSession("thread_1", chats), "b"))
    items = await session.get_items()
    assert [item for item in items if item in first] == first
    assert [item for item in items if item in second] == second
    assert len(items) == 20


async def test_nothing_is_added_to_a_deleted_chat(session: ChatSession, chats: ChatSessions) -> None:
    await session.add_items([user("first")])
    await chats.delete("thread_1")
    with pytest.raises(Conflict):
        await session.add_items([user("second")])
    assert await session.get_items() == []


def test_it_is_a_session_of_the_sdk(session: ChatSession) -> None:
    typed: Session = session
    assert isinstance(typed, Session)


async def test_the_documented_example_continues_the_chat(session: ChatSession, service_url: str) -> None:
    [example] = examples("openai-agents.md")
    defined = run(example, service_url)
    model = Script([message("Lisbon.")], [message("Madrid.")])
    defined["agent"].model = model
    await defined["answer"](token("ada"), "thread_1", "The capital of Portugal?")
    assert await defined["answer"](token("ada"), "thread_1", "And of Spain?") == "Madrid."
    assert model.inputs[1] == (await session.get_items())[:3]
