"""Replaces what JSON can contain and Postgres cannot store: NUL characters and unpaired surrogates."""

import re
from typing import BinaryIO

from chat_sessions.operator.foreign.chat import LeftOut, Losses

# Text without escapes, and escapes of what can be stored. Possessive, so that it never backtracks.
_SOUND = re.compile(
    rb"(?:[^\\]++|\\[^u]|\\u(?!0000|[dD][89a-fA-F])[^\\]{4}"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+"
)
_UNSOUND = re.compile(rb"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")
_LONGEST = len(rb"\ud83d\ude00")
_REPLACEMENT = rb"\ufffd"


class StorableJson:
    """JSON as a binary file, with U+FFFD in place of what cannot be stored."""

    def __init__(self, file: BinaryIO, losses: Losses) -> None:
        self._file = file
        self._losses = losses
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Return about `size` bytes, and none only at the end."""
        done = b""
        while size and not done and (data := self._rest + (more := self._file.read(size))):
            done, self._rest = self._clean(data, is_last=not more)
        return done

    def _clean(self, data: bytes, *, is_last: bool) -> tuple[bytes, bytes]:
        """Return the clean data, and the rest, which may begin with an incomplete escape."""
        cleaned, at = [], 0
        while at < len(data):
            # The pattern always matches, if only the empty string.
            end = match.end() if (match := _SOUND.match(data, at)) else at
            cleaned.append(data[at:end])
            if len(data) - end < _LONGEST and not is_last:
                return b"".join(cleaned), data[end:]
            at = end + self._replace(data, end, cleaned)
        return b"".join(cleaned), b""

    def _replace(self, data: bytes, at: int, cleaned: list[bytes]) -> int:
        if found := _UNSOUND.match(data, at):
            self._losses[LeftOut.CHARACTERS] += 1
            cleaned.append(_REPLACEMENT)
            return len(found[0])
        # Invalid JSON, which the parser reports.
        cleaned.append(data[at : at + 1])
        return 1
