"""A message on the wire. Besides the fields that the contract knows, whatever a client sends is kept as it was."""

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    model_validator,
)

from chat_sessions.contract.fields import Incoming, SpelledObject, at_most, nothing
from chat_sessions.contract.spelling import text_of
from chat_sessions.contract.storable import JsonObject, JsonObjects, Text, storable, storable_json

MAX_BATCH = 100

Role = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{1,32}$"),
    Field(
        description="system, developer, user, assistant, tool, function, reasoning, or another lower-case word.",
        examples=["user"],
    ),
]


class _Fields(BaseModel):
    """What a message says, as OpenAI's chat API shapes it."""

    model_config = ConfigDict(extra="allow")

    role: Role
    content: Annotated[Text | JsonObjects | None, Field(description="A text, or content parts.")] = None
    name: Text | None = Field(default=None, max_length=256)
    tool_call_id: Text | None = Field(default=None, max_length=256)
    refusal: Text | None = None
    tool_calls: JsonObjects | None = None
    function_call: JsonObject | None = None
    metadata: SpelledObject = Field(default_factory=nothing)


class NewMessage(_Fields):
    """A message to store. Fields beyond these are kept as they are sent."""

    id: Text | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Minted by the client; a repeat with the same id adds nothing. Unique within its session.",
    )
    _text: str = PrivateAttr("")

    @property
    def text(self) -> str:
        """The JSON that was sent."""
        return self._text

    @model_validator(mode="wrap")
    @classmethod
    def _remember_text(cls, value: Any, handler: Callable[[Any], Self]) -> Self:  # noqa: ANN401  any JSON
        message = handler(value)
        if message is not value:
            message._text = text_of(value)  # noqa: SLF001  its own
        return message

    @model_validator(mode="after")
    def _check_further_fields(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if name in OWN_FIELDS:
                message = f"{name} is set by the service; send yours under another name"
                raise ValueError(message)
            storable(name)
            storable_json(value)
        return self


def _distinct_ids(messages: list[NewMessage]) -> list[NewMessage]:
    ids = [message.id for message in messages if message.id is not None]
    if len(ids) != len(set(ids)):
        message = "two messages must not have the same id"
        raise ValueError(message)
    return messages


Batch = Annotated[list[NewMessage], Field(max_length=MAX_BATCH), at_most(MAX_BATCH), AfterValidator(_distinct_ids)]


class NewMessages(Incoming):
    """The messages to append, in order."""

    messages: Annotated[Batch, Field(min_length=1)]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"messages": [{"role": "user", "content": "What is the capital of Portugal?"}]}]
        }
    )


class Message(_Fields):
    """A message of a session, with every field that it was sent with."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: str
    sequence: int = Field(description="Dense and ascending from 0 within the session.")
    created_at: AwareDatetime


OWN_FIELDS = Message.model_fields.keys() - NewMessage.model_fields.keys()


class Messages(BaseModel):
    """The messages of an append: those stored now, and those that an earlier attempt had stored."""

    messages: list[Message]

    model_config = ConfigDict(extra="forbid")
