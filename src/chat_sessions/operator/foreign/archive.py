"""Turns a chat of another product into an archived session."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

import regex

from chat_sessions.contract.fields import MAX_TITLE, is_visible
from chat_sessions.operator.foreign.chat import Chat, LeftOut, Losses
from chat_sessions.operator.foreign.loose import as_json

# Never change it: the ids of all imported sessions derive from it.
NAMESPACE = UUID("5a0c1f64-2d0e-4f4b-9a53-3c1b6a0e7d11")
MAX_ID = 128
ELLIPSIS = "…"

_GRAPHEME: Final = regex.compile(r"\X")


class Limits(NamedTuple):
    """The service's limits on the size of JSON."""

    message_bytes: int
    metadata_bytes: int


class Archivist:
    """Archives the chats of one product."""

    def __init__(self, source: str, limits: Limits, losses: Losses) -> None:
        self._source = source
        self._limits = limits
        self._losses = losses

    def archived(self, chat: Chat) -> dict[str, Any] | None:
        """Return the session, with ids that are the same every time, or None if the chat has no messages."""
        if not (messages := list(self._fitting(chat.messages))):
            self._losses[LeftOut.NO_MESSAGES] += 1
            return None
        # A chat without an id is identified by its content.
        identity = chat.id or as_json([[each["role"], each["content"]] for each in messages])
        session_id = uuid5(NAMESPACE, f"{self._source}:{identity}")
        times = [each["created_at"] for each in messages if each["created_at"]]
        created_at = chat.created_at or min(times, default=datetime.now(UTC))
        updated_at = max(created_at, chat.updated_at or max(times, default=created_at))
        return {
            "id": str(session_id),
            "title": title_of(chat.title),
            "created_at": created_at.isoformat(),
            "updated_at": updated_at.isoformat(),
            "is_pinned": chat.is_pinned,
            "is_archived": chat.is_archived,
            "metadata": self._metadata(chat),
            "messages": _numbered(messages, session_id, created_at),
        }

    def _metadata(self, chat: Chat) -> dict[str, Any]:
        origin = {"from": self._source, "id": chat.id[:MAX_ID]}
        whole = {"imported": origin | {name: value for name, value in chat.facts.items() if _is_fact(value)}}
        return whole if _size(whole) <= self._limits.metadata_bytes else {"imported": origin}

    def _fitting(self, messages: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        for message in messages:
            if self._fits(message) or (self._drop_images(message) and self._fits(message)):
                yield message
            else:
                self._losses[LeftOut.OVERSIZE] += 1

    def _fits(self, message: dict[str, Any]) -> bool:
        return _size(message | {"created_at": None}) <= self._limits.message_bytes

    def _drop_images(self, message: dict[str, Any]) -> bool:
        """Drop the images within a message, and return whether it had any."""
        parts = message["content"]
        if not isinstance(parts, list):
            return False
        kept = [each for each in parts if each["type"] != "image_url"]
        self._losses[LeftOut.FILES] += len(parts) - len(kept)
        message["content"] = kept or "[image]"
        return len(kept) < len(parts)


def title_of(text: str) -> str | None:
    """Return a title within the limit, without splitting a grapheme; None if it is blank."""
    title = text.strip()
    if len(title) > MAX_TITLE:
        title = _cut(title, MAX_TITLE - len(ELLIPSIS)).rstrip() + ELLIPSIS
    return title if is_visible(title) else None


def _cut(text: str, room: int) -> str:
    """Cut before the grapheme that does not fit; a single one that is longer than the room is split."""
    ends = (each.end() for each in _GRAPHEME.finditer(text, 0, room * 2))
    return text[: max((end for end in ends if end <= room), default=room)]


def _numbered(messages: list[dict[str, Any]], session_id: UUID, created_at: datetime) -> list[dict[str, Any]]:
    """Return the messages with distinct ids, and with times: one without a time gets that of the one before it."""
    seen, time = set[str](), created_at
    for sequence, message in enumerate(messages):
        if not 0 < len(message["id"]) <= MAX_ID or message["id"] in seen:
            message["id"] = str(uuid5(session_id, f"{sequence}:{message['id']}"))
        seen.add(message["id"])
        time = message["created_at"] or time
        message |= {"sequence": sequence, "created_at": time.isoformat()}
    return messages


def _is_fact(value: object) -> bool:
    return bool(value) and all(isinstance(each, str) for each in (value if isinstance(value, list) else [value]))


def _size(value: object) -> int:
    return len(as_json(value).encode())
