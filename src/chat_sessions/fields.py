"""What single fields of a request may be; the document says the same."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from chat_sessions.storable import storable

MAX_TITLE = 200

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


# What the document calls a boolean or a time is not made of a number or another text.
Flag = Annotated[bool, Field(strict=True)]
Time = Annotated[AwareDatetime, BeforeValidator(_is_text)]
