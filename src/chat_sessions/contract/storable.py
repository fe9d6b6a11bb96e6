"""What Postgres can store of what JSON can say."""

import math
import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, JsonValue

# Far below the 200 levels or so at which pydantic refuses to read back what it has let through.
MAX_DEPTH = 64

# Neither gives back what it has matched, so that megabytes take milliseconds.
_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_EXPONENT: Final = re.compile(rb"e[+-]?([0-9]++)")


def is_storable(text: str) -> bool:
    """Return whether Postgres can store the text: it has neither NUL nor unpaired surrogates."""
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


def digits_added(json: bytes) -> int:
    """Return how much a JSON document may grow in Postgres, which writes 5e-324 out with all its 326 characters."""
    if not _EXPONENT.search(json):
        return 0
    return sum(int(exponent) for exponent in _EXPONENT.findall(_TEXT.sub(b"", json)))


def storable_json(value: Any) -> Any:  # noqa: ANN401  keeps the type of what it is given
    """Return the value, or raise ValueError if a part of it cannot be stored, or not be read back."""
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
        case float() if not math.isfinite(value):
            message = "must not contain NaN or Infinity, which are not JSON"
            raise ValueError(message)


Text = Annotated[str, AfterValidator(storable)]
JsonObject = Annotated[dict[str, JsonValue], AfterValidator(storable_json)]
# The first that is wrong says enough: a list may have thousands.
JsonObjects = Annotated[list[JsonObject], Field(fail_fast=True)]
