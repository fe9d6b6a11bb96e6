"""Splits the output of the engine into responses: lines of JSON, each followed by the large texts of its rows."""

from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json


class Output:
    """The output of one engine, which arrives in chunks of any size."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._response: dict[str, Any] = {}
        # Bytes of texts that have not arrived.
        self._missing = 0

    def received(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield the responses that a chunk completes."""
        while data:
            if self._missing:
                part, data = data[: self._missing], data[self._missing :]
                self._parts.append(part)
                self._missing -= len(part)
            else:
                line, end, data = data.partition(b"\n")
                self._parts.append(line)
                if not end:
                    return
                self._response = from_json(self._joined())
                self._missing = sum(size for _, _, size in self._response.get("texts", ()))
            if not self._missing:
                yield _with_texts(self._response, self._joined())

    def _joined(self) -> bytes:
        joined = b"".join(self._parts)
        self._parts.clear()
        return joined


def _with_texts(response: dict[str, Any], texts: bytes) -> dict[str, Any]:
    start = 0
    for row, column, size in response.get("texts", ()):
        response["data"]["rows"][row][column] = texts[start : start + size].decode()
        start += size
    return response
