"""The chat history of LangChain, in a real chain on the real service; only the model is a fake."""

import asyncio

import pytest
from langchain_core._api.deprecation import LangChainDeprecationWarning
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.history import RunnableWithMessageHistory

from chat_sessions_client import ChatSessions, Conflict
from chat_sessions_client.langchain import ChatHistory
from tests.examples import examples, run
from tests.service import token

CALL = {"name": "weather", "args": {"city": "Lisbon", "days": [1, 2.5]}, "id": "call_1", "type": "tool_call"}
BROKEN_CALL = {"name": "weather", "args": "{", "id": "call_2", "error": "not JSON", "type": "invalid_tool_call"}
USAGE = {"input_tokens": 7, "output_tokens": 11, "total_tokens": 18}
MESSAGES: dict[str, BaseMessage] = {
    "system": SystemMessage("Be brief.", id="m"),
    "human": HumanMessage("Hi 👋", name="ada", id="m", additional_kwargs={"mood": "good"}),
    "parts": HumanMessage([{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "u"}}], id="m"),
    "ai": AIMessage("Sunny.", id="m", usage_metadata=USAGE, response_metadata={"model": "small"}),
    "tool call": AIMessage("", id="m", tool_calls=[CALL], invalid_tool_calls=[BROKEN_CALL]),
    "tool": ToolMessage("Sunny.", id="m", tool_call_id="call_1", name="weather", artifact={"sun": 1}, status="error"),
    "function": FunctionMessage(content="Sunny.", name="weather", id="m"),
    "chat": ChatMessage(content="Hi", role="critic", id="m"),
    "chat of any role": ChatMessage(content="Hi", role="The Critic!", id="m"),
    "other fields": HumanMessage("Hi", id="m", example=True),
}


@pytest.fixture
def history(chats: ChatSessions) -> ChatHistory:
    return ChatHistory("thread_1", chats)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
async def test_a_message_is_returned_as_it_was_added(message: BaseMessage, history: ChatHistory) -> None:
    await history.aadd_messages([message])
    assert await history.aget_messages() == [message]


async def test_a_message_without_an_id_gets_one(history: ChatHistory) -> None:
    await history.aadd_messages([HumanMessage("Hi")])
    [message] = await history.aget_messages()
    assert message == HumanMessage("Hi", id=message.id)
    assert message.id


async def test_a_text_among_parts_becomes_a_part(history: ChatHistory) -> None:
    await history.aadd_messages([HumanMessage(["Hi", {"type": "text", "text": "Ada"}], id="m1")])
    parts: list[str | dict[str, str]] = [{"type": "text", "text": "Hi"}, {"type": "text", "text": "Ada"}]
    assert await history.aget_messages() == [HumanMessage(parts, id="m1")]


async def test_chunks_are_stored_as_the_message_that_they_add_up_to(history: ChatHistory) -> None:
    await history.aadd_messages([AIMessageChunk(content="Sun", id="m1") + AIMessageChunk(content="ny.", id="m1")])
    assert await history.aget_messages() == [AIMessage("Sunny.", id="m1")]


async def test_a_message_that_removes_another_is_refused(history: ChatHistory) -> None:
    with pytest.raises(ValueError, match="RemoveMessage"):
        await history.aadd_messages([RemoveMessage(id="m1")])


async def test_other_clients_see_roles_and_contents(history: ChatHistory, chats: ChatSessions) -> None:
    await history.aadd_messages([HumanMessage("Hi"), AIMessage("Hello."), ToolMessage("Sunny.", tool_call_id="c1")])
    stored = await chats.newest("thread_1")
    assert [(each["role"], each["content"]) for each in stored] == [
        ("user", "Hi"),
        ("assistant", "Hello."),
        ("tool", "Sunny."),
    ]


async def test_messages_of_other_clients_are_read(history: ChatHistory, chats: ChatSessions) -> None:
    function = {"name": "weather", "arguments": '{"city":"Lisbon"}'}
    messages: list[dict[str, object]] = [
        {"id": "m1", "role": "user", "content": "Hi"},
        {"id": "m2", "role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
        {"id": "m3", "role": "tool", "tool_call_id": "c1", "content": "Sunny."},
        {"id": "m4", "role": "reasoning", "content": "Hm."},
        {"id": "m5", "role": "tool", "content": "of no call"},
        {"id": "m6", "role": "user", "content": "Hi", "type": ["unknown"]},
    ]
    await chats.create(id="thread_1", messages=messages)
    call = {"name": "weather", "args": {"city": "Lisbon"}, "id": "c1", "type": "tool_call"}
    assert await history.aget_messages() == [
        HumanMessage("Hi", id="m1"),
        AIMessage("", id="m2", tool_calls=[call]),
        ToolMessage("Sunny.", id="m3", tool_call_id="c1"),
        ChatMessage(content="Hm.", role="reasoning", id="m4"),
        ChatMessage(content="of no call", role="tool", id="m5"),
        HumanMessage("Hi", id="m6", additional_kwargs={"type": ["unknown"]}),
    ]


async def test_a_cleared_history_takes_new_messages(history: ChatHistory) -> None:
    await history.aclear()
    await history.aadd_messages([HumanMessage("Hi", id="m1")])
    await history.aclear()
    assert await history.aget_messages() == []
    await history.aadd_messages([HumanMessage("Hi", id="m1")])
    assert await history.aget_messages() == [HumanMessage("Hi", id="m1")]


async def test_nothing_is_added_to_a_deleted_chat(history: ChatHistory, chats: ChatSessions) -> None:
    await history.aadd_messages([HumanMessage("Hi")])
    await chats.delete("thread_1")
    with pytest.raises(Conflict):
        await history.aadd_messages([HumanMessage("Hi")])


async def test_all_messages_are_returned_in_order(history: ChatHistory) -> None:
    messages = [HumanMessage(str(number), id=str(number)) for number in range(250)]
    await history.aadd_messages(messages)
    assert await history.aget_messages() == messages


def chain(history: ChatHistory) -> RunnableWithMessageHistory:
    """Return a chain whose model has two prepared responses."""
    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("human", "{question}")])
    model = GenericFakeChatModel(messages=iter([AIMessage("Lisbon."), AIMessage("Madrid.")]))
    with pytest.warns(LangChainDeprecationWarning):
        return RunnableWithMessageHistory(
            prompt | model, lambda _: history, input_messages_key="question", history_messages_key="history"
        )


CONFIG: RunnableConfig = {"configurable": {"session_id": "thread_1"}}
TURNS = ["The capital of Portugal?", "Lisbon.", "And of Spain?", "Madrid."]


async def test_a_chain_continues_the_chat(history: ChatHistory) -> None:
    runnable = chain(history)
    await runnable.ainvoke({"question": TURNS[0]}, CONFIG)
    await runnable.ainvoke({"question": TURNS[2]}, CONFIG)
    assert [message.text for message in await history.aget_messages()] == TURNS


async def test_synchronous_code_continues_the_chat(history: ChatHistory) -> None:
    runnable = chain(history)
    await asyncio.to_thread(runnable.invoke, {"question": TURNS[0]}, CONFIG)
    await asyncio.to_thread(runnable.invoke, {"question": TURNS[2]}, CONFIG)
    assert [message.text for message in await history.aget_messages()] == TURNS


async def test_synchronous_code_clears_the_chat(history: ChatHistory) -> None:
    await asyncio.to_thread(history.add_messages, [HumanMessage("Hi")])
    await asyncio.to_thread(history.clear)
    assert await asyncio.to_thread(lambda: history.messages) == []


async def test_the_documented_example_continues_the_chat(history: ChatHistory, service_url: str) -> None:
    [example] = examples("langchain.md")
    answer = run(example, service_url)["answer"]
    model = GenericFakeChatModel(messages=iter([AIMessage("Lisbon."), AIMessage("Madrid.")]))
    await answer(model, token("ada"), "thread_1", TURNS[0])
    assert await answer(model, token("ada"), "thread_1", TURNS[2]) == "Madrid."
    assert [message.text for message in await history.aget_messages()] == TURNS
