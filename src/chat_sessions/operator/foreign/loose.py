"""JSON values of unknown shape: those of an unexpected type count as missing."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

# Unix times are in seconds, but milli-, micro- and nanoseconds also occur. This is the year 5138 in seconds.
MAX_SECONDS = 10**11


def as_object(value: object) -> dict[str, Any]:
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return an array, or an empty one."""
    return value if isinstance(value, list) else []


def as_objects(value: object) -> list[dict[str, Any]]:
    """Return the objects in an array."""
    return [each for each in as_list(value) if isinstance(each, dict)]


def as_text(value: object) -> str:
    """Return a string, or an empty one."""
    return value if isinstance(value, str) else ""


def as_time(value: object) -> datetime | None:
    """Return the time of a Unix time or a string in ISO format, in UTC unless it has an offset."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, int | float | Decimal) and value > 0:
            return datetime.fromtimestamp(_seconds(value), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _seconds(value: float | Decimal) -> float:
    seconds = float(value)
    while seconds > MAX_SECONDS:
        seconds /= 1000
    return seconds


def as_arguments(value: object) -> str:
    """Return the arguments of a tool call as OpenAI's API has them: the JSON of an object."""
    if isinstance(value, str):
        try:
            if isinstance(json.loads(value), dict):
                return value
        except (ValueError, RecursionError):
            pass
        value = {"input": value}
    return as_json(value)


def as_json(value: object) -> str:
    """Serialize a value from the parser as JSON."""
    return json.dumps(value, ensure_ascii=False, default=_number)


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value))
