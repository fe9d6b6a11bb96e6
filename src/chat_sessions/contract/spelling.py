"""JSON that keeps its spelling: objects keep the text they were parsed from.

The order of keys and the digits of numbers, which may exceed a float's precision, are returned as the client sent them.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, NoReturn, Self

from pydantic_core import to_json

from chat_sessions.errors import BadRequest

# Enough for 256 bits; parsing takes quadratic time.
MAX_DIGITS = 100
MAX_SHOWN_KEY = 64

_SPACE: Final = re.compile(r"[ \t\n\r]*")


class Spelled(dict[str, Any]):
    """A JSON object and its text."""

    text: str

    @classmethod
    def of(cls, value: Mapping[str, Any], text: str) -> Self:
        """Return the object with its text."""
        spelled = cls(value)
        spelled.text = text
        return spelled


class Member(NamedTuple):
    """A member of an object: its range in the text, including the whitespace around it, and where its value starts."""

    name: str
    value: Any
    start: int
    middle: int
    end: int


def text_of(value: object) -> str:
    """Return the text the value was parsed from, or serialize it if there is none."""
    return value.text if isinstance(value, Spelled) else to_json(value).decode()


def read(text: str) -> Any:  # noqa: ANN401  any JSON
    """Parse a document. Objects keep their text: the document, its members, and the items of its members' lists.

    Raise json.JSONDecodeError, or BadRequest if an object has a duplicate key.
    """
    start = _skip(text, 0)
    value, end = _read_object(text, start) if text.startswith("{", start) else _value(text, start)
    if _skip(text, end) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def without(text: str, names: Collection[str]) -> str:
    """Return the text of an object without the named members."""
    kept = (text[each.start : each.end] for each in _members(text, _skip(text, 0)) if each.name not in names)
    return f"{{{','.join(kept)}}}"


def merge_patch(text: str, patch: str) -> str:
    """Apply a JSON merge patch (RFC 7396). Members of the text that it leaves alone keep their place and spelling."""
    if not patch.startswith("{"):
        return patch
    text = text.lstrip()
    members = {each.name: _halves(text, each) for each in (_members(text, 0) if text.startswith("{") else ())}
    for each in _members(patch, 0):
        name, value = _halves(patch, each)
        if each.value is None:
            members.pop(each.name, None)
        else:
            name, known = members.get(each.name, (name, ""))
            members[each.name] = (name, merge_patch(known, value))
    return f"{{{','.join(name + value for name, value in members.values())}}}"


def _halves(text: str, member: Member) -> tuple[str, str]:
    """Return the texts of a member's name, with the colon, and of its value."""
    return text[member.start : member.middle], text[member.middle : member.end]


def _read_object(text: str, start: int) -> tuple[Spelled, int]:
    members = list(_members(text, start))
    end = _closing(text, members[-1].end if members else start + 1, "}")
    value = _distinct((each.name, each.value) for each in members)
    return Spelled.of(value, text[start:end]), end


def _members(text: str, start: int) -> Iterator[Member]:
    after, at = start + 1, _skip(text, start + 1)
    while not text.startswith("}", at):
        if not text.startswith('"', at):
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        name, end = _DECODER.raw_decode(text, at)
        colon = _skip(text, end)
        if not text.startswith(":", colon):
            raise json.JSONDecodeError("Expecting ':' delimiter", text, colon)
        middle = _skip(text, colon + 1)
        value, end = _value(text, middle)
        comma = _skip(text, end)
        yield Member(name, value, after, middle, comma)
        after, at = comma + 1, _next(text, comma, "}")


def _value(text: str, start: int) -> tuple[Any, int]:
    if text.startswith("[", start):
        return _read_list(text, start)
    return _spelled(text, start)


def _read_list(text: str, start: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    at = end = _skip(text, start + 1)
    while not text.startswith("]", at):
        item, end = _spelled(text, at)
        items.append(item)
        at = _next(text, end, "]")
    return items, _closing(text, end, "]")


def _spelled(text: str, start: int) -> tuple[Any, int]:
    value, end = _DECODER.raw_decode(text, start)
    return (Spelled.of(value, text[start:end]) if isinstance(value, dict) else value), end


def _next(text: str, end: int, bracket: str) -> int:
    """Return the position of the next member or item, or of the closing bracket."""
    at = _skip(text, end)
    if not text.startswith(",", at):
        return _closing(text, end, bracket) - 1
    at = _skip(text, at + 1)
    if text.startswith(bracket, at):
        raise json.JSONDecodeError("Illegal trailing comma", text, at)
    return at


def _closing(text: str, end: int, bracket: str) -> int:
    at = _skip(text, end)
    if not text.startswith(bracket, at):
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    return at + 1


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()


def _distinct(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    given = list(pairs)
    value = dict(given)
    if len(value) != len(given):
        names = [name for name, _ in given]
        twice = next(name for name in names if names.count(name) > 1)[:MAX_SHOWN_KEY]
        raise BadRequest(f"An object has the key {json.dumps(twice)} twice.", "body")
    return value


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not valid JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_distinct, parse_int=_integer, parse_constant=_refuse)
