"""Turns messages into records to store, and enforces the limits on their sizes."""

from asyncio import sleep
from collections.abc import Mapping, Sequence
from typing import Final

from chat_sessions.contract.messages import NewMessage
from chat_sessions.contract.spelling import text_of
from chat_sessions.errors import BadRequest, size_in_words
from chat_sessions.settings import Settings
from chat_sessions.store import rows

# Characters of JSON. Computing the search keys of 4 MiB takes longer than storing the messages.
MAX_KEYED_AT_ONCE: Final = 256 * 1024


class Records:
    """Each method raises BadRequest if its argument is too large."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def of(self, messages: Sequence[NewMessage]) -> bytes:
        """Return a JSON array of records, letting other requests run between the messages."""
        records, size = list[bytes](), 0
        for message in messages:
            if records:
                await sleep(0)
            size += len(message.text)
            records.append(self._record(message, size))
        return rows.array(records)

    def replacing(self, message_id: str, message: NewMessage) -> bytes:
        """Return a JSON array with the record of a message, under this id."""
        return rows.array([self._record(message, len(message.text), message_id)])

    def check_metadata(self, metadata: Mapping[str, object] | str) -> None:
        """Check the size of metadata, or of its JSON."""
        json = metadata if isinstance(metadata, str) else text_of(metadata)
        _check_size("Metadata", json, self._settings.max_metadata_bytes)

    def _record(self, message: NewMessage, size: int, known_id: str | None = None) -> bytes:
        """Return the record of a message; `size` counts the characters up to its end."""
        self.check_metadata(message.metadata)
        _check_size("A message", message.text, self._settings.max_message_bytes)
        return rows.record(message, known_id, keyed=size <= MAX_KEYED_AT_ONCE)


def _check_size(name: str, json: str, limit: int) -> None:
    if len(json.encode()) > limit:
        raise BadRequest(f"{name} may have at most {size_in_words(limit)} of JSON.", "body")
