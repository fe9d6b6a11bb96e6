"""A chat of another product, in the format of OpenAI's chat API."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from chat_sessions.contract.messages import ROLE

MAX_NAME = 256


class LeftOut(StrEnum):
    """What is not imported, in the words of the summary."""

    BRANCHES = "messages of other branches (edited questions, regenerated answers)"
    FILES = "images and files"
    HIDDEN = "hidden messages (instructions and context)"
    EMPTY = "empty messages"
    UNKNOWN = "parts of an unknown kind"
    OVERSIZE = "messages that are too large"
    NO_MESSAGES = "chats without messages"
    CHARACTERS = "characters that Postgres cannot store (now U+FFFD)"


Losses = Counter[LeftOut]


@dataclass
class Chat:
    """A chat. Facts without a field of their own become metadata."""

    id: str
    title: str
    created_at: datetime | None
    updated_at: datetime | None
    messages: list[dict[str, Any]]
    is_pinned: bool = False
    is_archived: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


class Transcript:
    """The messages of a chat, turn by turn."""

    def __init__(self, losses: Losses) -> None:
        self.messages: list[dict[str, Any]] = []
        self.losses = losses
        self.last_call = ""

    @contextmanager
    def turn(self, message_id: str, created_at: datetime | None, model: str = "") -> Iterator["Turn"]:
        """Yield a turn, and add its messages at the end; a turn without messages is counted as empty."""
        turn = Turn(self)
        yield turn
        if not turn.messages:
            self.losses[LeftOut.EMPTY] += 1
        for number, message in enumerate(turn.messages):
            message["id"] = f"{message_id}:{number}" if message_id and number else message_id
            message["created_at"] = created_at
            if model and message["role"] == "assistant":
                message.setdefault("metadata", {})["model"] = model
        self.messages += turn.messages


class Turn:
    """One message of another product. It becomes several if it also has reasoning or tool results."""

    def __init__(self, transcript: Transcript) -> None:
        self.messages: list[dict[str, Any]] = []
        self._transcript = transcript

    def say(self, role: str, text: str) -> None:
        """Add text."""
        if not text.strip():
            return
        last = self.messages[-1] if self.messages else {}
        if last.get("role") == role and isinstance(last["content"], str) and "tool_calls" not in last:
            last["content"] += f"\n\n{text}"
        else:
            # "assistant": any role but the user's.
            self._add(role if re.fullmatch(ROLE, role) else "assistant", text)

    def think(self, text: str) -> None:
        """Add reasoning."""
        self.say("reasoning", text)

    def call(self, call_id: str, name: str, arguments: str) -> None:
        """Add a tool call."""
        last = self.messages[-1] if self.messages else {}
        if last.get("role") != "assistant":
            last = self._add("assistant", None)
        function = {"name": name, "arguments": arguments}
        last.setdefault("tool_calls", []).append({"id": call_id, "type": "function", "function": function})
        self._transcript.last_call = call_id

    def answer(self, call_id: str, name: str, text: str) -> None:
        """Add the result of a tool call; without an id, that of the last one."""
        message = self._add("tool", text)
        if call_id := (call_id or self._transcript.last_call)[:MAX_NAME]:
            message["tool_call_id"] = call_id
        if name:
            message["name"] = name[:MAX_NAME]

    def attach(self, role: str, *, texts: Sequence[str] = (), images: Sequence[str] = ()) -> None:
        """Add the texts of attached files, and images by their URLs, as parts of the message."""
        parts: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts]
        parts += [{"type": "image_url", "image_url": {"url": url}} for url in images]
        if not parts:
            return
        last = self.messages[-1] if self.messages else {}
        said = self.messages.pop()["content"] if last.get("role") == role and "tool_calls" not in last else None
        self._add(role, ([{"type": "text", "text": said}] if said else []) + parts)

    def lose(self, role: str, files: Sequence[str]) -> None:
        """Count files that are not imported, and keep their names; they are the text of a message without any other."""
        if not files:
            return
        self._transcript.losses[LeftOut.FILES] += len(files)
        if not self.messages:
            self._add(role, "\n".join(f"[{name}]" for name in files))
        self.messages[-1].setdefault("metadata", {})["attachments"] = list(files)

    def skip_part(self) -> None:
        """Count a part of an unknown kind."""
        self._transcript.losses[LeftOut.UNKNOWN] += 1

    def _add(self, role: str, content: str | list[dict[str, Any]] | None) -> dict[str, Any]:
        message: dict[str, Any] = {"role": role, "content": content}
        self.messages.append(message)
        return message
