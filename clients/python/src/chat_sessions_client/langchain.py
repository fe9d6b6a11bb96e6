"""A LangChain chat history that stores its messages in a chat session."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from anyio.from_thread import start_blocking_portal
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import (
    BaseMessage,
    BaseMessageChunk,
    ChatMessage,
    convert_to_messages,
    message_chunk_to_message,
    messages_from_dict,
)
from typing_extensions import override

from chat_sessions_client.client import ChatSessions
from chat_sessions_client.conversation import Conversation, as_sent
from chat_sessions_client.schemas import Message, NewMessage

T = TypeVar("T")

ROLES: Final = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "function"}
# Keeps the role of a ChatMessage, which may be any text.
SPEAKER: Final = "speaker"


class ChatHistory(BaseChatMessageHistory):
    """The messages of a chat session, which is created with the first one.

    Prefer the asynchronous methods: each synchronous call opens a connection and runs an event loop in a thread.
    """

    def __init__(self, session_id: str, chats: ChatSessions) -> None:
        self._session_id = session_id
        self._chats = chats
        self._conversation = Conversation(session_id, chats)

    @override
    async def aget_messages(self) -> list[BaseMessage]:
        return [_restored(message) for message in await self._conversation.read()]

    @override
    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        await self._conversation.add([_message(message) for message in messages])

    @override
    async def aclear(self) -> None:
        await self._conversation.clear()

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # as LangChain's own histories
        """All messages."""
        return self._blocking(ChatHistory.aget_messages)

    @override
    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        self._blocking(lambda history: history.aadd_messages(messages))

    @override
    def clear(self) -> None:
        self._blocking(ChatHistory.aclear)

    def _blocking(self, act: Callable[["ChatHistory"], Awaitable[T]]) -> T:
        async def run() -> T:
            async with self._chats.reopened() as chats:
                return await act(ChatHistory(self._session_id, chats))

        with start_blocking_portal() as portal:
            return portal.call(run)


def _message(message: BaseMessage) -> NewMessage:
    """Return the message to store: LangChain's fields, with a role and content that other clients understand."""
    if isinstance(message, BaseMessageChunk):
        message = message_chunk_to_message(message)
    fields: dict[str, Any] = message.model_dump(mode="json")
    if isinstance(message, ChatMessage):
        fields[SPEAKER] = fields["role"]
        fields["role"] = message.role if re.fullmatch(r"[a-z]{1,32}", message.role) else "chat"
    elif message.type in ROLES:
        fields["role"] = ROLES[message.type]
    else:
        raise ValueError(f"A chat history cannot store a {type(message).__name__}. Remove it or convert it.")
    if isinstance(message.content, list):
        fields["content"] = [
            {"type": "text", "text": part} if isinstance(part, str) else part for part in fields["content"]
        ]
    return fields


def _restored(message: Message) -> BaseMessage:
    """Return a LangChain message, converting from OpenAI's format if another client has stored it."""
    fields = {"content": "", **as_sent(message)}
    role, kind = fields.pop("role"), str(fields.get("type"))
    try:
        if kind == "chat":
            fields["role"] = fields.pop(SPEAKER)
        if kind == "chat" or kind in ROLES:
            [restored] = messages_from_dict([{"type": kind, "data": fields}])
        else:
            [restored] = convert_to_messages([{**fields, "role": role}])
    except (LookupError, TypeError, ValueError):
        # LangChain has no class for it, for example because of its role.
        return ChatMessage(role=role, content=fields["content"], id=message["id"])
    return restored
