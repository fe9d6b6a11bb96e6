"""The subset of JSON that Postgres can store."""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

# Far below the roughly 200 levels at which pydantic cannot read back what it has accepted.
MAX_DEPTH = 64

# Possessive quantifiers do not backtrack, so megabytes take milliseconds.
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_EXTREME: Final = re.compile(r"[0-9.]{1001}|[eE][+-]?0*+[0-9]{4}")


def is_storable(text: str) -> bool:
    """Return whether Postgres can store the text: no NUL, no unpaired surrogates."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def storable(text: str) -> str:
    """Return the text, or raise ValueError if Postgres cannot store it."""
    if not is_storable(text):
        message = "must not contain NUL characters or unpaired surrogates"
        raise ValueError(message)
    return text


def has_extreme_numbers(json: str) -> bool:
    """Return whether a number in the JSON has more digits or a larger exponent than Postgres can compare."""
    return bool(_EXTREME.search(json)) and bool(_EXTREME.search(_STRING.sub("", json)))


def storable_json(value: Any) -> Any:  # noqa: ANN401  keeps the type of what it is given
    """Return the value, or raise ValueError if any part of it cannot be stored or read back."""
    _check(value, MAX_DEPTH)
    return value


def _check(value: object, depth: int) -> None:
    if depth < 0:
        message = f"must not be nested more than {MAX_DEPTH} levels deep"
        raise ValueError(message)
    match value:
        case str():
            storable(value)
        case dict():
            for key, item in value.items():
                storable(key)
                _check(item, depth - 1)
        case list():
            for item in value:
                _check(item, depth - 1)


Text = Annotated[str, AfterValidator(storable)]
# Not JsonValue: its schema matches anything, but generators turn it into a type that excludes null.
JsonObject = Annotated[dict[str, Any], AfterValidator(storable_json)]
# Report only the first error: a list may have thousands.
JsonObjects = Annotated[list[JsonObject], Field(fail_fast=True)]
