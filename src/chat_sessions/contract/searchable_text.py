"""The text of a message that searches compare: what people and models say, without instructions, tools and thoughts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from chat_sessions.contract.search_key import search_key

UNSPOKEN: Final = frozenset(("system", "developer", "tool", "function", "reasoning"))
# Searches ignore the rest of a message: pasted files are longer, but nobody remembers their ends.
MAX_SEARCHED: Final = 64 * 1024


def searchable_text(role: str, message: Mapping[str, Any]) -> str:
    """Return the text of a message: its content, and the parts of an AI SDK message."""
    if role in UNSPOKEN:
        return ""
    return "\n".join([*_texts(message.get("content")), *_texts(message.get("parts"))])[:MAX_SEARCHED]


def stored_searchable_text(role: str, body: str) -> str:
    """Return the text of a stored message."""
    # Numbers may have more digits than Python converts, and direct SQL may have stored anything.
    message = json.loads(body, parse_int=str, parse_float=str)
    return searchable_text(role, message) if isinstance(message, dict) else ""


def message_key(text: str) -> str:
    """Return the search key of a message's text."""
    # Folding makes some characters longer.
    return search_key(text)[:MAX_SEARCHED]


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            text = part.get("text") if isinstance(part, dict) and part.get("type") not in UNSPOKEN else None
            if isinstance(text, str):
                yield text
