"""LibreChat: the JSON of "Export conversation", one file per chat, and zips or arrays of them.

It is written by https://github.com/danny-avila/LibreChat/blob/main/client/src/hooks/Conversations/useExportConversation.ts
with or without the other branches, as a list or, if "recursive", as a tree of `children`.
"""

from typing import Any

from chat_sessions.operator.foreign.branches import tree_of_list
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses, Transcript, Turn
from chat_sessions.operator.foreign.loose import as_arguments, as_list, as_object, as_objects, as_text, as_time


def recognizes(chat: dict[str, Any]) -> bool:
    """Return whether this is a chat of LibreChat."""
    return "conversationId" in chat and ("messages" in chat or "messagesTree" in chat)


def convert(chat: dict[str, Any], losses: Losses) -> Chat:
    """Return the latest branch, which LibreChat shows when it opens a chat."""
    messages = _flat(chat.get("messagesTree") or chat.get("messages"))
    tree = tree_of_list(messages, "messageId", "parentMessageId")
    shown = tree.shown()
    transcript = Transcript(losses)
    for message in shown:
        _add(transcript, message)
    losses[LeftOut.BRANCHES] += len(tree.messages) - len(shown)
    options = as_object(chat.get("options"))
    times = [time for each in shown if (time := as_time(each.get("createdAt")))]
    return Chat(
        id=as_text(chat.get("conversationId")),
        title=as_text(chat.get("title")),
        created_at=as_time(chat.get("createdAt")) or min(times, default=None),
        updated_at=as_time(chat.get("updatedAt")) or max(times, default=None),
        messages=transcript.messages,
        is_pinned=chat.get("pinned") is True,
        is_archived=chat.get("isArchived") is True,
        facts={
            "model": chat.get("model") or options.get("model"),
            "endpoint": chat.get("endpoint"),
            "tags": chat.get("tags"),
        },
    )


def _flat(messages: object) -> list[dict[str, Any]]:
    """Return a tree as a list, parents first. The tree of a long chat is too deep for recursion."""
    found: list[dict[str, Any]] = []
    waiting = [(each, "") for each in as_objects(messages)[::-1]]
    while waiting:
        message, parent = waiting.pop()
        children = as_objects(message.get("children"))
        found.append(message if not parent else {**message, "parentMessageId": parent})
        waiting += [(each, as_text(message.get("messageId"))) for each in children[::-1]]
    return found


def _add(transcript: Transcript, message: dict[str, Any]) -> None:
    role = "user" if message.get("isCreatedByUser") is True else "assistant"
    created_at, model = as_time(message.get("createdAt")), as_text(message.get("model"))
    with transcript.turn(as_text(message.get("messageId")), created_at, model) as turn:
        for part in as_list(message.get("content")):
            _add_part(turn, role, as_object(part))
        if not turn.messages:
            turn.say(role, as_text(message.get("text")))
        files = as_objects(message.get("files")) + as_objects(message.get("attachments"))
        turn.lose(role, [as_text(each.get("filename")) or "file" for each in files])


def _add_part(turn: Turn, role: str, part: dict[str, Any]) -> None:
    kind = as_text(part.get("type"))
    match kind:
        case "text" | "error":
            turn.say(role, _value(part.get("text")) or _value(part.get("error")))
        case "think":
            turn.think(_value(part.get("think")))
        case "tool_call":
            _add_call(turn, as_object(part.get("tool_call")))
        case "image_file" | "image_url":
            turn.lose(role, [as_text(as_object(part.get(kind)).get("filename")) or "image"])
        case _:
            turn.skip_part()


def _add_call(turn: Turn, call: dict[str, Any]) -> None:
    """Add a tool call of an agent, or of the older assistants, which have a `function`."""
    function = as_object(call.get("function"))
    call_id, name = as_text(call.get("id")), as_text(call.get("name")) or as_text(function.get("name"))
    turn.call(call_id, name, as_arguments(call.get("args") or function.get("arguments") or {}))
    if output := as_text(call.get("output")) or as_text(function.get("output")):
        turn.answer(call_id, name, output)


def _value(text: object) -> str:
    return as_text(text) or as_text(as_object(text).get("value"))
