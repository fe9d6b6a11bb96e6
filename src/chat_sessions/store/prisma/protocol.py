"""Translates the calls of Prisma Client Python to the JSON protocol of Prisma's engine.

Prisma Client Python itself uses GraphQL, but its printer corrupts U+2028, U+2029 and U+0085, and cannot distinguish
Json from a string.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, NoReturn, cast

from prisma._builder import METHOD_FORMAT_MAPPING, serializer
from prisma._constants import QUERY_BUILDER_ALIASES
from prisma._types import PrismaMethod
from prisma.engine.utils import handle_response_errors
from prisma.fields import Json
from pydantic import BaseModel
from pydantic_core import to_json

from chat_sessions.errors import DatabaseUnavailable, StatementUndone
from chat_sessions.store.prisma.states import PRISMA_CODES, find_sql_state

# JavaScript loses digits of larger integers.
MAX_SAFE_INTEGER = 2**53 - 1

# Characters or bytes. Longer texts are sent unescaped, after their line.
LARGE = 64 * 1024

# Keeps the message of Postgres to one line of the log.
MAX_CAUSE = 200

# How Prisma wraps an error message of Postgres.
RAW_ERROR = re.compile(r"^Raw query failed\. Code: `[^`]*`\. Message: `(.*)`$", re.DOTALL)

# Types that map to JSON; Prisma's serializer converts the rest.
TEXT = (str, bytes)
PLAIN = (*TEXT, int, float, dict, NoneType)

RAW_METHODS = {"query_raw", "query_first", "execute_raw"}


def dumps(value: object) -> bytes:
    """Serialize to one line of strict JSON. Bytes are taken as UTF-8 text, which saves decoding them first."""
    return to_json(value, inf_nan_mode="strings")


class LargeText:
    """A parameter of raw SQL that would take long to escape and to parse."""

    def __init__(self, utf8: bytes) -> None:
        self.utf8 = utf8


def packed(message: object) -> list[bytes]:
    """Serialize to one line, and the large texts that follow it: in the line, their sizes stand in for them."""
    texts: list[bytes] = []

    def size_of(value: LargeText) -> dict[str, int]:
        texts.append(value.utf8)
        return {"$size": len(value.utf8)}

    return [to_json(message, inf_nan_mode="strings", fallback=size_of) + b"\n", *texts]


def build_query(
    method: PrismaMethod,
    arguments: Mapping[str, Any],
    model: type[BaseModel] | None = None,
    root_selection: list[str] | None = None,
) -> dict[str, Any]:
    """Translate the arguments of `_execute` to a query in Prisma's JSON protocol."""
    action = METHOD_FORMAT_MAPPING[method].format(model="")
    if method in RAW_METHODS:
        return {"action": action, "query": {"arguments": _raw_arguments(**arguments), "selection": {}}}
    if arguments.get("include"):
        raise NotImplementedError("include is not supported: query the related rows")
    selection = _parse_selection(root_selection) if root_selection else {"$scalars": True}
    return {
        "modelName": getattr(model, "__prisma_model__", None),
        "action": action,
        "query": {"arguments": _query_arguments(arguments), "selection": selection},
    }


def parse_json(result: dict[str, Any]) -> None:
    """Parse the JSON columns of a raw query that has no model; models parse them themselves."""
    for column, kind in enumerate(result["types"]):
        if kind == "json":
            for row in result["rows"]:
                row[column] = None if row[column] is None else json.loads(row[column])


def raise_error(error: dict[str, Any]) -> NoReturn:
    """Raise Prisma Client Python's exception for the error; it has none for an unavailable database."""
    facts = error["user_facing_error"]
    cause = RAW_ERROR.sub(r"\1", str(facts["meta"].get("message") or facts["message"]))[:MAX_CAUSE]
    state = find_sql_state(facts["meta"].get("code"))
    if state is not None:
        raise (StatementUndone if state.undone else DatabaseUnavailable)(state.reason, cause)
    if facts["error_code"] in PRISMA_CODES:
        raise DatabaseUnavailable(PRISMA_CODES[facts["error_code"]], cause)
    handle_response_errors(cast("Any", None), [error])


def _raw_arguments(query: str, parameters: Iterable[object]) -> dict[str, object]:
    """Return the arguments of raw SQL; Json parameters become text for Postgres to cast."""
    return {"query": query, "parameters": [_large_text(value) or _raw_parameter(value) for value in parameters]}


def _large_text(value: object) -> object:
    if not isinstance(value, TEXT) or len(value) <= LARGE:
        return None
    return LargeText(value.encode() if isinstance(value, str) else value)


def _raw_parameter(value: object) -> object:
    if isinstance(value, TEXT):
        return value
    if isinstance(value, list | tuple):
        return [_raw_parameter(item) for item in value]
    if _is_unsafe_integer(value):
        return {"prisma__type": "bigint", "prisma__value": str(value)}
    return value if isinstance(value, PLAIN) else serializer(value)


def _query_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Omit arguments that are None, which were not given; a nested None is a null."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return dict(_argument(given))


def _argument(value: Any) -> Any:  # noqa: ANN401 - any JSON in, any JSON out
    if isinstance(value, dict):
        return {QUERY_BUILDER_ALIASES.get(key, key): _argument(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_argument(item) for item in value]
    if _is_unsafe_integer(value):
        return {"$type": "BigInt", "value": str(value)}
    if isinstance(value, Json):
        return {"$type": "Json", "value": dumps(value.data)}
    return value if isinstance(value, PLAIN) else serializer(value)


def _is_unsafe_integer(value: object) -> bool:
    return isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER


def _parse_selection(root_selection: list[str]) -> dict[str, Any]:
    """Parse the GraphQL selections of `count()` and `group_by()`, such as `_count { _all title }`."""
    return _parse_fields(iter(re.findall(r"\w+|[{}]", " ".join(root_selection))))


def _parse_fields(words: Iterator[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    field = ""
    for word in words:
        if word == "}":
            break
        if word == "{":
            fields[field] = {"arguments": {}, "selection": _parse_fields(words)}
        else:
            field = word
            fields[field] = True
    return fields
