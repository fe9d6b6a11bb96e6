"""Exports in the shape of real ones, made for the tests."""

import json
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

Json = dict[str, Any]


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def gpt_node(key: str, parent: str | None, message: Json | None) -> Json:
    return {"id": key, "parent": parent, "children": [], "message": message}


def gpt_message(key: str, role: str, content: object = "", **changes: object) -> Json:
    if not isinstance(content, dict):
        content = {"content_type": "text", "parts": [content]}
    return {
        "id": key,
        "author": {"role": role, "name": changes.pop("name", None), "metadata": {}},
        "create_time": 1756000001.5,
        "update_time": None,
        "content": content,
        "status": "finished_successfully",
        "weight": 1.0,
        "metadata": {},
        "recipient": "all",
        **changes,
    }


def gpt_chat(*messages: Json, **changes: object) -> Json:
    """Return a chat without branches: a root, the placeholder of every chat, and the messages."""
    line: list[tuple[str, Json | None]] = [("root", None), ("system", gpt_message("system", "system"))]
    line += [(each["id"], each) for each in messages]
    parents = [None, *(key for key, _ in line)]
    return {
        "title": "Lisbon",
        "create_time": 1756000000.25,
        "update_time": 1756000400.75,
        "mapping": {key: gpt_node(key, parent, each) for (key, each), parent in zip(line, parents, strict=False)},
        "current_node": line[-1][0],
        "conversation_id": "6b0f0d9c-0000-4000-8000-000000000001",
        "id": "6b0f0d9c-0000-4000-8000-000000000001",
        "default_model_slug": "gpt-5",
        "is_archived": False,
        "is_starred": None,
        "gizmo_id": None,
        **changes,
    }


def claude_message(key: str, sender: str, *blocks: Json, **changes: object) -> Json:
    return {
        "uuid": key,
        "text": "",
        "content": list(blocks),
        "sender": sender,
        "created_at": "2026-03-29T07:06:35.552627Z",
        "updated_at": "2026-03-29T07:06:35.552627Z",
        "attachments": [],
        "files": [],
        **changes,
    }


def claude_text(text: str) -> Json:
    return {"type": "text", "text": text, "citations": [], "start_timestamp": None, "stop_timestamp": None}


def claude_chat(*messages: Json, **changes: object) -> Json:
    return {
        "uuid": "019d386a-7691-7e84-bcd6-1637c32bd6ad",
        "name": "Lisbon",
        "summary": "",
        "created_at": "2026-03-29T07:06:34.084721Z",
        "updated_at": "2026-03-29T12:59:41.658730Z",
        "account": {"uuid": "c1a9a5f8-a09c-42e7-8de7-ad0174488170"},
        "chat_messages": list(messages),
        **changes,
    }


def webui_message(key: str, parent: str | None, role: str, content: str, **changes: object) -> Json:
    return {
        "id": key,
        "parentId": parent,
        "childrenIds": [],
        "role": role,
        "content": content,
        "timestamp": 1700000010,
        **changes,
    }


def webui_chat(*messages: Json, current: str | None = None, **changes: object) -> Json:
    return {
        "id": "a8b1f6d2-0000-4000-8000-000000000001",
        "user_id": "u1",
        "title": "Lisbon",
        "chat": {
            "title": "Lisbon",
            "models": ["llama3.1:latest"],
            "history": {
                "currentId": current or messages[-1]["id"],
                "messages": {each["id"]: each for each in messages},
            },
        },
        "created_at": 1700000000,
        "updated_at": 1700000020,
        "share_id": None,
        "archived": False,
        "pinned": False,
        "meta": {"tags": ["travel"]},
        "folder_id": None,
        **changes,
    }


def libre_message(key: str, parent: str, text: str, **changes: object) -> Json:
    return {
        "messageId": key,
        "parentMessageId": parent,
        "conversationId": "af1ea676-f525-444f-a9ed-7c8dbf062733",
        "sender": "User",
        "text": text,
        "isCreatedByUser": False,
        "model": None,
        "createdAt": "2024-04-09T14:32:05.230Z",
        **changes,
    }


LIBRE_ROOT = "00000000-0000-0000-0000-000000000000"


def libre_chat(*messages: Json, **changes: object) -> Json:
    return {
        "conversationId": "af1ea676-f525-444f-a9ed-7c8dbf062733",
        "endpoint": "openAI",
        "title": "Lisbon",
        "exportAt": "16:33:32 GMT+0200 (Central European Summer Time)",
        "branches": True,
        "recursive": False,
        "options": {"model": "gpt-4o"},
        "messages": list(messages),
        **changes,
    }
