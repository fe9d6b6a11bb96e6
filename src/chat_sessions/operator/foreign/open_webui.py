"""Open WebUI: the JSON that "Export chats" writes, for one chat, all of a user's, or all of everybody's.

The shape is ChatResponse in https://github.com/open-webui/open-webui/blob/main/backend/open_webui/models/chats.py,
and its field `chat` is what the page keeps: src/lib/components/chat/Chat.svelte in the same repository.
"""

import html
import json
import re
from typing import Any

from chat_sessions.operator.foreign.branches import Tree, tree_of_list
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses, Transcript, Turn
from chat_sessions.operator.foreign.loose import as_arguments, as_list, as_object, as_objects, as_text, as_time

# Reasoning and tool calls are HTML within the text; newer versions also store them separately, in `output`.
# Linear in time: each pattern between the tags stops at a character that it cannot contain, or at the next end.
DETAILS = re.compile(
    r'<details type="(reasoning|tool_calls)"([^>]*)>\s*(?:<summary>[^<]*</summary>)?(.*?)</details>', re.DOTALL
)
END = "</details>"
ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')
# Escapes in a string of JSON within JSON; reading the file has replaced only those of the outer JSON.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
QUOTE = re.compile(r"^> ?", re.MULTILINE)
EVERYWHERE = ("http://", "https://", "data:")


def recognizes(chat: dict[str, Any]) -> bool:
    """Return whether this is a chat of Open WebUI."""
    return "history" in _body(chat) or ("user_id" in chat and isinstance(chat.get("chat"), dict))


def _body(chat: dict[str, Any]) -> dict[str, Any]:
    return as_object(chat.get("chat")) or chat


def convert(chat: dict[str, Any], losses: Losses) -> Chat:
    """Return the branch that was shown."""
    body = _body(chat)
    tree, current = _tree(body)
    shown = tree.shown(current or as_text(chat.get("current_message_id")))
    transcript = Transcript(losses)
    for message in shown:
        _add(transcript, message)
    losses[LeftOut.BRANCHES] += len(tree.messages) - len(shown)
    tags = as_list(as_object(chat.get("meta")).get("tags")) or as_list(body.get("tags"))
    return Chat(
        id=as_text(chat.get("id")) or as_text(body.get("id")),
        title=as_text(chat.get("title")) or as_text(body.get("title")),
        created_at=as_time(chat.get("created_at")) or as_time(body.get("timestamp")),
        updated_at=as_time(chat.get("updated_at")),
        messages=transcript.messages,
        is_pinned=chat.get("pinned") is True,
        is_archived=chat.get("archived") is True,
        facts={
            "models": as_list(body.get("models")),
            "tags": tags,
            "folder_id": chat.get("folder_id"),
        },
    )


def _tree(body: dict[str, Any]) -> tuple[Tree, str]:
    history = as_object(body.get("history"))
    messages = {key: each for key, each in as_object(history.get("messages")).items() if isinstance(each, dict)}
    if not messages:
        # Before there were branches.
        return tree_of_list(as_objects(body.get("messages")), "id", "parentId"), ""
    parents = {key: as_text(each.get("parentId")) for key, each in messages.items()}
    return Tree(messages, parents), as_text(history.get("currentId"))


def _add(transcript: Transcript, message: dict[str, Any]) -> None:
    role, model = as_text(message.get("role")), as_text(message.get("model"))
    with transcript.turn(as_text(message.get("id")), as_time(message.get("timestamp")), model) as turn:
        for item in as_objects(message.get("output")):
            _add_item(turn, item)
        if not turn.messages:
            _add_html(turn, role, as_text(message.get("content")))
        files = as_objects(message.get("files"))
        turn.attach(role, images=[as_text(each.get("url")) for each in files if _is_image(each)])
        turn.lose(role, [_name(each) for each in files if not _is_image(each)])


def _add_item(turn: Turn, item: dict[str, Any]) -> None:
    """Add an output item of OpenAI's Responses API."""
    call_id = as_text(item.get("call_id")) or as_text(item.get("id"))
    match item.get("type"):
        case "message":
            turn.say("assistant", _joined(item.get("content")))
        case "reasoning":
            turn.think(_joined(item.get("content")) or _joined(item.get("summary")))
        case "function_call":
            turn.call(call_id, as_text(item.get("name")), as_arguments(item.get("arguments")))
        case "function_call_output":
            turn.answer(call_id, "", _joined(item.get("output")))
        case _:
            turn.skip_part()


def _joined(parts: object) -> str:
    return as_text(parts) or "\n".join(as_text(each.get("text")) for each in as_objects(parts))


def _add_html(turn: Turn, role: str, text: str) -> None:
    at = 0
    for details in DETAILS.finditer(text, 0, text.rfind(END) + len(END)):
        turn.say(role, text[at : details.start()].strip())
        kind, attributes, inner = details.groups()
        if kind == "reasoning":
            turn.think(QUOTE.sub("", html.unescape(inner)).strip())
        else:
            _add_call(turn, {name: html.unescape(value) for name, value in ATTRIBUTE.findall(attributes)}, inner)
        at = details.end()
    turn.say(role, text[at:].strip() if at else text)


def _add_call(turn: Turn, call: dict[str, str], inner: str) -> None:
    call_id, name = call.get("id", ""), call.get("name", "")
    turn.call(call_id, name, as_arguments(_twice_encoded(call.get("arguments", ""))))
    if result := call.get("result", "") or html.unescape(inner).strip():
        turn.answer(call_id, name, _twice_encoded(result))


def _twice_encoded(text: str) -> str:
    """Return the text within a string of JSON, or the text as it is."""
    try:
        return UNSTORABLE.sub("\ufffd", as_text(json.loads(text))) or text
    except (ValueError, RecursionError):
        return text


def _is_image(file: dict[str, Any]) -> bool:
    """Return whether this is an image that can be shown without Open WebUI."""
    return file.get("type") == "image" and as_text(file.get("url")).startswith(EVERYWHERE)


def _name(file: dict[str, Any]) -> str:
    return as_text(file.get("name")) or as_text(file.get("type")) or "file"
