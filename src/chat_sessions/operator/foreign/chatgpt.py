"""ChatGPT: `conversations.json`, or since 2026 `conversations-000.json` and so on, in the zip of its data export.

OpenAI publishes no schema. Descriptions made from real exports:
https://github.com/mitkury/chatgpt-export-parser/blob/main/docs/chatgpt-data-export-format.md
https://github.com/danny-avila/LibreChat/blob/main/api/server/utils/import/__data__/chatgpt-modern-export.json
"""

import re
from typing import Any

from chat_sessions.operator.foreign.branches import Tree
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses, Transcript
from chat_sessions.operator.foreign.loose import (
    as_arguments,
    as_list,
    as_object,
    as_objects,
    as_text,
    as_time,
)

REASONING = ("thoughts", "reasoning_recap")
CONTEXT = ("user_editable_context", "model_editable_context")
# Citations are marked with private-use characters: the kind, then the references.
CITATION = re.compile("\ue200[^\ue201]*\ue201")


def recognizes(chat: dict[str, Any]) -> bool:
    """Return whether this is a chat of ChatGPT."""
    return "mapping" in chat or ("conversation_id" in chat and "create_time" in chat)


def convert(chat: dict[str, Any], losses: Losses) -> Chat:
    """Return the branch that was shown."""
    nodes = {key: as_object(node) for key, node in as_object(chat.get("mapping")).items()}
    tree = Tree(
        {key: as_object(node.get("message")) for key, node in nodes.items()},
        {key: as_text(node.get("parent")) for key, node in nodes.items()},
    )
    shown = tree.shown(as_text(chat.get("current_node")))
    transcript = Transcript(losses)
    for message in shown:
        _add(transcript, message)
    losses[LeftOut.BRANCHES] += sum(map(_is_visible, tree.messages.values())) - sum(map(_is_visible, shown))
    return Chat(
        id=as_text(chat.get("conversation_id")) or as_text(chat.get("id")),
        title=as_text(chat.get("title")),
        created_at=as_time(chat.get("create_time")),
        updated_at=as_time(chat.get("update_time")),
        messages=transcript.messages,
        is_pinned=bool(chat.get("is_starred") or chat.get("pinned_time")),
        is_archived=chat.get("is_archived") is True,
        facts={"model": chat.get("default_model_slug"), "gizmo_id": chat.get("gizmo_id")},
    )


def _is_visible(message: dict[str, Any]) -> bool:
    return not _is_hidden(message) and bool(_text(message) or _files(message))


def _is_hidden(message: dict[str, Any]) -> bool:
    is_context = as_object(message.get("content")).get("content_type") in CONTEXT
    return is_context or as_object(message.get("metadata")).get("is_visually_hidden_from_conversation") is True


def _add(transcript: Transcript, message: dict[str, Any]) -> None:
    text, author = _text(message), as_object(message.get("author"))
    role, kind = as_text(author.get("role")), as_object(message.get("content")).get("content_type")
    if _is_hidden(message) or (role == "system" and not text):
        # Every chat starts with a placeholder.
        transcript.losses[LeftOut.HIDDEN] += bool(text or kind in CONTEXT)
        return
    if not message:
        return
    message_id, recipient = as_text(message.get("id")), as_text(message.get("recipient"))
    model = as_text(as_object(message.get("metadata")).get("model_slug"))
    with transcript.turn(message_id, as_time(message.get("create_time")), model) as turn:
        if kind in REASONING:
            turn.think(text)
        elif role == "tool" and text:
            turn.answer("", as_text(author.get("name")), text)
        elif role == "assistant" and recipient not in ("", "all") and text:
            turn.call(message_id, recipient, as_arguments(text))
        else:
            turn.say(role, text)
        turn.lose(role, _files(message))


def _text(message: dict[str, Any]) -> str:
    content = as_object(message.get("content"))
    text = "\n".join(filter(None, (each.strip() for each in _pieces(content))))
    if content.get("content_type") == "code" and text and message.get("recipient") in (None, "all"):
        return f"```{_language(content)}\n{text}\n```"
    return _cited(text, as_object(message.get("metadata")))


def _pieces(content: dict[str, Any]) -> list[str]:
    if content.get("content_type") == "thoughts":
        thoughts = as_objects(content.get("thoughts"))
        return [f"**{as_text(each.get('summary'))}**\n\n{as_text(each.get('content'))}\n" for each in thoughts]
    parts = as_list(content.get("parts"))
    if parts:
        return [as_text(as_object(each).get("text")) or as_text(each) for each in parts]
    return [as_text(content.get(name)) for name in ("title", "url", "text", "result", "content")]


def _language(content: dict[str, Any]) -> str:
    language = as_text(content.get("language"))
    return "" if language == "unknown" else language


def _cited(text: str, metadata: dict[str, Any]) -> str:
    """Return the text with its citations as the Markdown links that ChatGPT shows."""
    for each in as_objects(metadata.get("content_references")):
        if (mark := as_text(each.get("matched_text"))).strip():
            text = text.replace(mark, as_text(each.get("alt")))
    return CITATION.sub("", text)


def _files(message: dict[str, Any]) -> list[str]:
    """Return the names of attached files and of images. Uploaded images are in both lists."""
    parts = as_objects(as_object(message.get("content")).get("parts"))
    pointers = [each for each in parts if not as_text(each.get("text"))]
    attachments = as_objects(as_object(message.get("metadata")).get("attachments"))
    names = [as_text(each.get("name")) or "file" for each in attachments]
    return names + [_kind(each) for each in pointers[len(names) :]]


def _kind(pointer: dict[str, Any]) -> str:
    kind = as_text(pointer.get("content_type"))
    return next((each for each in ("image", "audio", "video") if each in kind), "file")
