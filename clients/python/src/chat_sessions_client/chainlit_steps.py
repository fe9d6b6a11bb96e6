"""Converts Chainlit steps to messages and back."""

from collections.abc import Iterable
from typing import Any, Final, cast

from chainlit.step import StepDict

from chat_sessions_client.conversation import as_sent
from chat_sessions_client.schemas import Message, NewMessage

ROLES: Final = {
    "user_message": "user",
    "assistant_message": "assistant",
    "system_message": "system",
    "tool": "tool",
}
TYPES: Final = {role: kind for kind, role in ROLES.items()}
# Replaces a step that was removed from the middle of a thread.
REMOVED: Final[NewMessage] = {"role": "removed"}


def message_of(step: StepDict) -> NewMessage:
    """Return a step as a message that other clients understand; its output is the content."""
    fields: dict[str, Any] = {**step, "metadata": step.get("metadata") or {}}
    content = fields.pop("output", "")
    return {"role": ROLES.get(step["type"], "step"), "content": content, **fields}


def steps_of(thread_id: str, messages: Iterable[Message]) -> list[StepDict]:
    """Return the steps of a thread, in the order of their creation."""
    steps = [_step(thread_id, message) for message in messages if not is_removed(message)]
    return sorted(steps, key=lambda step: step["createdAt"] or "")


def is_removed(message: Message) -> bool:
    """Return whether a message replaces a removed step."""
    return message["role"] == REMOVED["role"]


def _step(thread_id: str, message: Message) -> StepDict:
    fields = as_sent(message)
    role = fields.pop("role")
    if "threadId" not in fields:
        # The message is from another client.
        kind = TYPES.get(role, "undefined")
        fields = {"id": message["id"], "name": message["name"] or role, "type": kind, "threadId": thread_id}
    output = _text(fields.pop("content", message["content"]))
    return cast("StepDict", {"metadata": {}, "createdAt": message["created_at"], **fields, "output": output})


def _text(content: str | list[dict[str, Any]] | None) -> str:
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if "text" in part)
    return content or ""
