"""A session as frameworks use it: its first message creates it, and it can be emptied."""

from collections.abc import Sequence
from typing import Any, Final

from chat_sessions_client.client import ChatSessions
from chat_sessions_client.errors import NotFound, PreconditionFailed
from chat_sessions_client.schemas import Message, NewMessage

ADDED: Final = ("sequence", "created_at")
NULL_IF_OMITTED: Final = ("content", "name", "tool_call_id", "refusal", "tool_calls", "function_call")


class Conversation:
    """The messages of one session."""

    def __init__(self, session_id: str, chats: ChatSessions) -> None:
        self.session_id = session_id
        self._chats = chats

    async def read(self, limit: int | None = None) -> list[Message]:
        """Return the newest messages, or all of them, in ascending order."""
        try:
            return await self._chats.newest(self.session_id, limit)
        except NotFound:
            return []

    async def add(self, messages: Sequence[NewMessage]) -> None:
        """Append messages, and create the session if needed. Conflict means that it was deleted."""
        try:
            await self._chats.append(self.session_id, messages)
        except NotFound:
            await self._chats.create(id=self.session_id)
            await self._chats.append(self.session_id, messages)

    async def pop(self) -> Message | None:
        """Remove and return the last message, or return None."""
        while True:
            try:
                session = await self._chats.get(self.session_id, limit=1)
                if not session["messages"]:
                    return None
                [last] = session["messages"]
                await self._chats.cut(self.session_id, last["sequence"], if_match=session["etag"])
            except NotFound:
                return None
            except PreconditionFailed:
                # The session changed after it was read.
                continue
            return last

    async def clear(self) -> None:
        """Remove all messages. Deleting the session instead would make its id unusable."""
        try:
            await self._chats.cut(self.session_id, 0)
        except NotFound:
            return


def as_sent(message: Message) -> dict[str, Any]:
    """Return the fields with which a message was sent, and its id."""
    return {
        name: value
        for name, value in message.items()
        if name not in ADDED and not (value is None and name in NULL_IF_OMITTED) and (name, value) != ("metadata", {})
    }
