"""Between the rows of Postgres and what crosses the wire."""

from collections.abc import Mapping
from datetime import datetime
from json import dumps
from typing import Any, cast

from prisma.fields import Json
from prisma.models import ChatMessage, ChatSession
from prisma.types import ChatMessageCreateWithoutRelationsInput, ChatSessionCreateInput

from chat_sessions.contract.archive import ArchivedMessage, ArchivedSession
from chat_sessions.contract.cursor import Cursor
from chat_sessions.contract.schemas import Message, SessionList, Summary

JSON_COLUMNS = ("content", "toolCalls", "functionCall", "metadata")


def summary(row: ChatSession) -> Summary:
    """Return a session without its messages."""
    return Summary(
        id=row.id,
        title=row.title,
        created_at=row.createdAt,
        updated_at=row.updatedAt,
        is_pinned=row.isPinned,
        metadata=cast("Any", row.metadata),
    )


def list_body(page: Mapping[str, Any], *, pinned_first: bool) -> bytes:
    """Return the JSON of a list from that of its sessions."""
    cursor = None
    if page["more"]:
        updated_at = datetime.fromisoformat(page["updated_at"])
        cursor = Cursor(page["pinned"] if pinned_first else None, updated_at, page["id"]).encode()
    parts = {"sessions": page["sessions"], "total": page["total"], "next_cursor": dumps(cursor)}
    return ("{" + ",".join(f'"{name}":{parts[name]}' for name in SessionList.model_fields) + "}").encode()


def message(row: ChatMessage) -> Message:
    """Return a message."""
    return Message(
        id=row.id,
        role=cast("Any", row.role),
        content=cast("Any", row.content),
        name=row.name,
        tool_call_id=row.toolCallId,
        refusal=row.refusal,
        tool_calls=cast("Any", row.toolCalls),
        function_call=cast("Any", row.functionCall),
        metadata=cast("Any", row.metadata),
        sequence=row.sequence,
        created_at=row.createdAt,
    )


def json(value: object) -> Json:
    """Return what Prisma stores as JSON."""
    # Prisma's own type for what can be stored leaves out half of JSON.
    return Json(cast("Any", value))


def archived_session(user: str, session: ArchivedSession) -> ChatSessionCreateInput:
    """Return a session as Prisma creates it anew, without its messages."""
    return {
        "id": session.id,
        "userId": user,
        "title": session.title,
        "isPinned": session.is_pinned,
        "metadata": json(session.metadata),
        "messageCount": len(session.messages),
        "createdAt": session.created_at,
        "updatedAt": session.updated_at,
    }


def archived_message(user: str, session_id: str, message: ArchivedMessage) -> ChatMessageCreateWithoutRelationsInput:
    """Return a message as Prisma creates it anew. What is left out is NULL, where None would be JSON's null."""
    columns = {
        "id": message.id,
        "userId": user,
        "sessionId": session_id,
        "sequence": message.sequence,
        "createdAt": message.created_at,
        "role": message.role,
        "content": message.content,
        "name": message.name,
        "toolCallId": message.tool_call_id,
        "refusal": message.refusal,
        "toolCalls": message.tool_calls,
        "functionCall": message.function_call,
        "metadata": message.metadata,
    }
    row = {name: json(value) if name in JSON_COLUMNS else value for name, value in columns.items() if value is not None}
    return cast("ChatMessageCreateWithoutRelationsInput", row)
