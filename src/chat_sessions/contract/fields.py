"""What a request and its fields may be; the document says the same."""

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
MAX_UNKNOWN_FIELDS = 20

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE),
    AfterValidator(storable),
    # Something is left of it when it is trimmed.
    Field(examples=["Trip to Lisbon"], json_schema_extra={"pattern": r"[^\s\x85]"}),
]
SessionId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$",
        description="A UUID v4, minted by the client.",
        examples=["3f1c8f0e-7a55-4f8e-9d3c-0a6b1f2e4d5c"],
    ),
]


def _is_text(value: object) -> object:
    if not isinstance(value, str):
        message = "must be a text, as RFC 3339 has it"
        raise ValueError(message)  # noqa: TRY004  what pydantic makes a 422 of
    return value


def at_most(limit: int) -> BeforeValidator:
    """Refuse a longer list before its items are looked at, each of which may be wrong in many ways."""

    def check(value: object) -> object:
        if isinstance(value, list) and len(value) > limit:
            raise PydanticCustomError("too_long", "List should have at most {max_length} items", {"max_length": limit})
        return value

    return BeforeValidator(check)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        message = "must be in the years 1 to 9999 in UTC"
        raise ValueError(message) from None


# What the document calls a boolean or a time is not made of a number or another text.
Flag = Annotated[bool, Field(strict=True)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Time = Annotated[Moment, BeforeValidator(_is_text)]


def _remember_text(value: object, handler: Callable[[object], dict[str, Any]]) -> Spelled:
    return Spelled.of(handler(value), text_of(value))


def _is_comparable(value: Spelled) -> Spelled:
    if has_extreme_numbers(value.text):
        message = "must not have numbers of more than 1,000 digits, or with exponents above 999"
        raise ValueError(message)
    return value


def nothing() -> Spelled:
    """Return an empty object."""
    return Spelled.of({}, "{}")


SpelledObject = Annotated[JsonObject, WrapValidator(_remember_text)]
# The list's filter compares it.
Metadata = Annotated[SpelledObject, AfterValidator(_is_comparable)]


class Incoming(BaseModel):
    """An object of a request."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_unknown_fields(cls, value: Any) -> Any:  # noqa: ANN401  any JSON
        # Each of them is an error of its own; nobody reads thousands.
        if isinstance(value, dict) and len(value) > len(cls.model_fields) + MAX_UNKNOWN_FIELDS:
            message = f"must not have more than {MAX_UNKNOWN_FIELDS} fields that are not known"
            raise ValueError(message)
        return value
