"""A session in a file: one line of JSON with all its messages, written by `export` and read by `import`."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from chat_sessions.contract.fields import Metadata, Time, Title
from chat_sessions.contract.ids import SessionId
from chat_sessions.contract.messages import NewMessage
from chat_sessions.contract.storable import storable

Id = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(storable)]


class ArchivedMessage(NewMessage):
    """A message, including the fields set by the service."""

    id: Id
    sequence: int
    created_at: Time


class ArchivedSession(BaseModel):
    """A session with all its messages."""

    model_config = ConfigDict(extra="forbid")

    id: SessionId
    # Written by `export`, and ignored: the import command names the owner.
    user_id: str | None = None
    title: Title | None
    created_at: Time
    updated_at: Time
    is_pinned: bool
    is_archived: bool = False
    metadata: Metadata
    messages: list[ArchivedMessage]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if [message.sequence for message in self.messages] != list(range(len(self.messages))):
            raise ValueError("message sequences must be 0, 1, 2 and so on, without gaps")
        if len({message.id for message in self.messages}) != len(self.messages):
            raise ValueError("two messages must not have the same id")
        return self
