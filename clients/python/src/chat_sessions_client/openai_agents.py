"""An OpenAI Agents SDK session that stores its items as messages of a chat session."""

from collections.abc import Mapping
from typing import Any, Final, cast

from agents import SessionSettings, TResponseInputItem

from chat_sessions_client.client import ChatSessions
from chat_sessions_client.conversation import Conversation, as_sent
from chat_sessions_client.schemas import Message

# The ids of items need not be unique, so they are stored next to the message's own id.
ITEM_ID: Final = "item_id"


class ChatSession:
    """Implements `agents.Session`. The first item creates the chat session."""

    def __init__(
        self, session_id: str, chats: ChatSessions, *, session_settings: SessionSettings | None = None
    ) -> None:
        self.session_id = session_id
        self.session_settings = session_settings
        self._conversation = Conversation(session_id, chats)

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return the newest items, or all of them, in ascending order."""
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        return [_item(message) for message in await self._conversation.read(limit)]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Append items."""
        await self._conversation.add([_message(item) for item in items])

    async def pop_item(self) -> TResponseInputItem | None:
        """Remove and return the last item."""
        message = await self._conversation.pop()
        return None if message is None else _item(message)

    async def clear_session(self) -> None:
        """Remove all items but keep the session. To delete it, call `ChatSessions.delete`."""
        await self._conversation.clear()


def _message(item: TResponseInputItem) -> Mapping[str, object]:
    fields: dict[str, object] = {"role": _role(item), **item}
    if "id" in fields:
        fields[ITEM_ID] = fields.pop("id")
    return fields


def _role(item: Mapping[str, Any]) -> str:
    """Return the role for an item that has none."""
    kind = item.get("type", "")
    if kind == "reasoning":
        return "reasoning"
    return "tool" if kind.endswith("_output") else "assistant"


def _item(message: Message) -> TResponseInputItem:
    fields = as_sent(message)
    del fields["id"]
    if fields.get("type", "message") != "message":
        del fields["role"]
    if ITEM_ID in fields:
        fields["id"] = fields.pop(ITEM_ID)
    return cast("TResponseInputItem", fields)
