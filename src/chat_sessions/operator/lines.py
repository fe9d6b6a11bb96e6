"""The lines of a file in any Unicode encoding: PowerShell writes UTF-16, and many editors a byte order mark."""

import codecs
import json
from collections.abc import Iterator
from io import BufferedReader, RawIOBase, TextIOWrapper
from typing import Any, BinaryIO, cast

from chat_sessions.contract.spelling import read
from chat_sessions.errors import BadRequest
from chat_sessions.operator.importer import Record, Rejected

#: Takes the place of a line that cannot be decoded; it is not valid UTF-8.
UNDECODABLE = b"\xff"


def records(file: BinaryIO) -> Iterator[Record | Rejected]:
    """Yield the session on each line that is not blank."""
    for number, line in enumerate(lines_in_utf8(file), start=1):
        if line.strip():
            try:
                yield Record(number, _read(line))
            except BadRequest as error:
                yield Rejected(number, str(error), is_foreign=True)


def _read(line: bytes) -> dict[str, Any]:
    try:
        session = read(line.decode())
    except (ValueError, RecursionError) as error:
        raise BadRequest("not a JSON document in Unicode") from error
    if not isinstance(session, dict):
        raise BadRequest("not a JSON object")
    return session


def lines_in_utf8(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines in UTF-8, without a byte order mark."""
    reader = BufferedReader(cast("RawIOBase", file))
    head = reader.peek(4)
    encoding = json.detect_encoding(head[:4])
    if encoding.startswith("utf-8"):
        reader.read(len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0)
        yield from reader
    else:
        yield from _encoded_again(TextIOWrapper(reader, encoding, newline="\n"))


def _encoded_again(text: TextIOWrapper) -> Iterator[bytes]:
    try:
        for line in text:
            yield line.encode()
    except UnicodeDecodeError:
        yield UNDECODABLE
