"""Claude: `conversations.json` in the zip of its data export.

Anthropic publishes no schema. Descriptions made from real exports, and a converter:
https://github.com/AgileWorksZA/claude_export
https://github.com/socketteer/Claude-Conversation-Exporter
"""

from typing import Any

from chat_sessions.operator.foreign.branches import tree_of_list
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses, Transcript, Turn
from chat_sessions.operator.foreign.loose import as_arguments, as_object, as_objects, as_text, as_time

ROLES = {"human": "user"}
# Bookkeeping without any content.
IGNORED = ("token_budget", "flag")


def recognizes(chat: dict[str, Any]) -> bool:
    """Return whether this is a chat of Claude."""
    return "chat_messages" in chat


def convert(chat: dict[str, Any], losses: Losses) -> Chat:
    """Return the branch that was shown. Older exports do not name the parents of messages, and have only one branch."""
    tree = tree_of_list(as_objects(chat.get("chat_messages")), "uuid", "parent_message_uuid")
    shown = tree.shown(as_text(chat.get("current_leaf_message_uuid")))
    transcript = Transcript(losses)
    for message in shown:
        _add(transcript, message)
    losses[LeftOut.BRANCHES] += len(tree.messages) - len(shown)
    project = as_object(chat.get("project"))
    return Chat(
        id=as_text(chat.get("uuid")),
        title=as_text(chat.get("name")),
        created_at=as_time(chat.get("created_at")),
        updated_at=as_time(chat.get("updated_at")),
        messages=transcript.messages,
        is_pinned=chat.get("is_starred") is True,
        facts={"model": chat.get("model"), "project": project.get("name"), "summary": chat.get("summary")},
    )


def _add(transcript: Transcript, message: dict[str, Any]) -> None:
    sender = as_text(message.get("sender"))
    role = ROLES.get(sender, sender)
    blocks = as_objects(message.get("content"))
    with transcript.turn(as_text(message.get("uuid")), as_time(message.get("created_at"))) as turn:
        for block in blocks:
            _add_block(turn, role, block)
        if not turn.messages:
            turn.say(role, as_text(message.get("text")))
        attachments = as_objects(message.get("attachments"))
        turn.attach(role, texts=[text for each in attachments if (text := _attached_text(each))])
        files = as_objects(message.get("files")) or as_objects(message.get("files_v2"))
        lost = [each for each in attachments if not _attached_text(each)] + files
        turn.lose(role, [as_text(each.get("file_name")) or "file" for each in lost])


def _add_block(turn: Turn, role: str, block: dict[str, Any]) -> None:
    match block.get("type"):
        case "text":
            turn.say(role, as_text(block.get("text")))
        case "thinking":
            turn.think(as_text(block.get("thinking")))
        case "tool_use":
            arguments = as_arguments(as_object(block.get("input")))
            turn.call(as_text(block.get("id")), as_text(block.get("name")), arguments)
        case "tool_result":
            _add_result(turn, block)
        case kind if kind not in IGNORED:
            turn.skip_part()


def _add_result(turn: Turn, block: dict[str, Any]) -> None:
    items = as_objects(block.get("content"))
    text = "\n".join(as_text(each.get("text")) for each in items) or as_text(block.get("content"))
    turn.answer(as_text(block.get("tool_use_id")), as_text(block.get("name")), text)
    turn.lose("tool", ["image" for each in items if each.get("type") == "image"])


def _attached_text(attachment: dict[str, Any]) -> str:
    """Return the text of a file, under its name. Long pastes become files without a name."""
    text, name = as_text(attachment.get("extracted_content")), as_text(attachment.get("file_name"))
    return f"{name}:\n\n{text}" if name and text else text
