"""Validation of requests and their fields. The OpenAPI document has the same constraints."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from chat_sessions.contract.spelling import Spelled, text_of
from chat_sessions.contract.storable import JsonObject, has_extreme_numbers, storable

MAX_TITLE = 200
# The largest integer in Postgres, the type of offsets and sequences.
MAX_INTEGER = 2**31 - 1
MAX_UNKNOWN_FIELDS = 20

# Whitespace, controls, the blanks of Hangul and Braille, and what Unicode lets fonts ignore.
_INVISIBLE = (
    r"\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
)
# Left out of the OpenAPI document: no escape for them works in all languages.
_INVISIBLE_BEYOND_16_BITS = r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
_VISIBLE = re.compile(f"[^{_INVISIBLE}{_INVISIBLE_BEYOND_16_BITS}]")


def is_visible(title: str) -> bool:
    """Return whether a title has a visible character."""
    return bool(_VISIBLE.search(title))


def _visible(title: str) -> str:
    if not is_visible(title):
        message = "must have at least one visible character"
        raise ValueError(message)
    return title


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=MAX_TITLE),
    AfterValidator(storable),
    AfterValidator(_visible),
    Field(examples=["Trip to Lisbon"], json_schema_extra={"pattern": f"[^{_INVISIBLE}]"}),
]
# The text that a title must contain.
TitleQuery = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE), AfterValidator(storable)
]

# Pydantic also accepts Unix times and other formats of ISO 8601. It has its own error for a missing offset.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)?", re.ASCII)


def _is_true(value: bool) -> bool:  # noqa: FBT001  a validator's only parameter
    if not value:
        message = "must be true or omitted"
        raise ValueError(message)
    return value


def _is_rfc_3339(value: object) -> object:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        message = "must be a time in RFC 3339 format, such as 2026-01-31T12:00:00Z"
        raise ValueError(message)
    return value


def at_most(limit: int) -> BeforeValidator:
    """Reject a longer list before validating its items, each of which may have many errors."""

    def check(value: object) -> object:
        if isinstance(value, list) and len(value) > limit:
            raise PydanticCustomError("too_long", "must have at most {max_length} items", {"max_length": limit})
        return value

    return BeforeValidator(check)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        message = "must be in the years 1 to 9999 in UTC"
        raise ValueError(message) from None


# No coercion: numbers and strings are not booleans, and numbers are not times.
Flag = Annotated[bool, Field(strict=True)]
Yes = Annotated[Flag, AfterValidator(_is_true), Field(json_schema_extra={"const": True})]
Time = Annotated[AwareDatetime, AfterValidator(_in_utc), BeforeValidator(_is_rfc_3339)]


def _remember_text(value: object, handler: Callable[[object], dict[str, Any]]) -> Spelled:
    return Spelled.of(handler(value), text_of(value))


def _is_comparable(value: Spelled) -> Spelled:
    if has_extreme_numbers(value.text):
        message = "must not contain numbers with more than 1,000 digits or exponents above 999"
        raise ValueError(message)
    return value


def nothing() -> Spelled:
    """Return an empty object."""
    return Spelled.of({}, "{}")


def either(*names: str) -> Callable[[dict[str, Any]], None]:
    """Document a model as one schema per field, so that client code that sends none or several does not compile."""

    def divide(schema: dict[str, Any]) -> None:
        properties = schema.pop("properties")
        closed = {"type": schema.pop("type"), "additionalProperties": schema.pop("additionalProperties")}
        common = {name: each for name, each in properties.items() if name not in names}
        schema["anyOf"] = [
            {
                "title": f"{schema['title']}By{name.capitalize()}",
                "properties": {name: _without_null(properties[name]), **common},
                "required": [name],
                **closed,
            }
            for name in names
        ]

    return divide


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    (other,) = (each for each in schema["anyOf"] if each != {"type": "null"})
    return {**other, **{name: each for name, each in schema.items() if name not in {"anyOf", "default"}}}


SpelledObject = Annotated[JsonObject, WrapValidator(_remember_text)]
# The list's filter compares metadata, so its numbers must be comparable.
Metadata = Annotated[SpelledObject, AfterValidator(_is_comparable)]


class Incoming(BaseModel):
    """A JSON object in a request."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_unknown_fields(cls, value: Any) -> Any:  # noqa: ANN401  any JSON
        # Each one is a separate error; nobody reads thousands.
        if isinstance(value, dict) and len(value) > len(cls.model_fields) + MAX_UNKNOWN_FIELDS:
            message = f"must not have more than {MAX_UNKNOWN_FIELDS} unknown fields"
            raise ValueError(message)
        return value
