"""The chats in another product's export, as records for the importer."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from chat_sessions.errors import ChatSessionsError
from chat_sessions.operator.foreign.archive import Archivist, Limits
from chat_sessions.operator.foreign.chat import Losses
from chat_sessions.operator.foreign.files import Document, Progress, values
from chat_sessions.operator.foreign.readers import READERS
from chat_sessions.operator.foreign.source import Source
from chat_sessions.operator.importer import Record, Rejected


class WrongProduct(ChatSessionsError):
    """The file is not an export of the named product."""


class ForeignExport:
    """An export, and the losses counted so far."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self.losses = Losses()
        self._reader = READERS[source]
        self._archivist = Archivist(source, limits, self.losses)

    def records(self, documents: Iterable[Document], progress: Progress) -> Iterator[Record | Rejected]:
        """Yield the chats that have messages. Raise UnreadableExport, or WrongProduct if the first one is foreign."""
        found = chain.from_iterable(values(each, progress, self.losses) for each in documents)
        for number, value in enumerate(found, start=1):
            if not isinstance(value, dict) or not self._reader.recognizes(value):
                yield self._refused(number, value)
            elif record := self._record(number, value):
                yield record

    def _record(self, number: int, chat: dict[str, Any]) -> Record | Rejected | None:
        try:
            session = self._archivist.archived(self._reader.convert(chat, self.losses))
        except RecursionError:
            return Rejected(number, "it is nested too deeply")
        return Record(number, session) if session else None

    def _refused(self, number: int, value: object) -> Rejected:
        if number == 1:
            raise WrongProduct(f"This is not an export of {self._reader.product}. {_advice(value)}")
        return Rejected(number, f"not a chat of {self._reader.product}")


def _advice(value: object) -> str:
    if isinstance(value, dict):
        for source, reader in READERS.items():
            if reader.recognizes(value):
                return f"It looks like one of {reader.product}: use --from {source}."
        if _is_our_own(value):
            return "It is one of chat-sessions: leave --from out."
    return "Choose another --from, or export your chats again."


def _is_our_own(value: Mapping[str, Any]) -> bool:
    return {"id", "is_pinned", "messages"} <= value.keys()
