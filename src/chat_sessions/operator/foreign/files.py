"""Opens an export, JSON or a zip of JSON, and reads its chats one at a time."""

import codecs
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import SEEK_END, BufferedReader, RawIOBase
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple, cast
from zipfile import BadZipFile, ZipFile, ZipInfo

import ijson  # type: ignore[import-untyped]

from chat_sessions.errors import ChatSessionsError, size_in_words
from chat_sessions.operator.foreign.characters import StorableJson
from chat_sessions.operator.foreign.chat import Losses

# Far larger than any account: a file that expands further is a zip bomb.
MAX_UNPACKED_BYTES = 32 * 1024**3
# A chat is in memory as a whole. Open WebUI keeps images within them.
MAX_CHAT_BYTES = 256 * 1024**2
# This many bytes that are all digits. Python takes quadratic time for such a number.
MANY_DIGITS = 4096
# The second is the signature of an empty zip.
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
NAMES_SHOWN = 5
AGAIN = "Download it again, then repeat the import: chats that are already here are not added twice."


class UnreadableExport(ChatSessionsError):
    """The file cannot be read to its end."""


class Document(NamedTuple):
    """A JSON file, maybe in a zip."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


class Progress:
    """Counts the bytes read, in total and since the last chat."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self.in_chat = 0
        self._advance = advance

    def count(self, size: int) -> None:
        """Add bytes, or raise UnreadableExport if they are too many for one chat."""
        self._advance(size)
        self.in_chat += size
        if self.in_chat > MAX_CHAT_BYTES:
            raise UnreadableExport(
                f"It has a chat of more than {size_in_words(MAX_CHAT_BYTES)}, too much to import. Chats before it stay."
            )


@contextmanager
def seekable(file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield the file, or a temporary copy if it is a pipe: the directory of a zip is at its end."""
    if file.seekable():
        yield file
        return
    with TemporaryFile() as copy:
        copyfileobj(file, copy)
        copy.seek(0)
        yield copy


def documents(file: BinaryIO, names: re.Pattern[str]) -> Sequence[Document]:
    """Return the JSON files of an export; in a zip, those whose names match. Raise UnreadableExport if none does."""
    start = file.read(4)
    size = file.seek(0, SEEK_END)
    file.seek(0)
    if not size:
        raise UnreadableExport("The file is empty.")
    if start not in ZIP:
        return [Document("The file", size, lambda: file)]
    with _errors("The zip"):
        archive = ZipFile(file)
    members = sorted(_members(archive, names), key=lambda each: each.filename)
    if sum(each.file_size for each in members) > MAX_UNPACKED_BYTES:
        raise UnreadableExport(f"The zip unpacks to more than {size_in_words(MAX_UNPACKED_BYTES)}, too much to import.")
    return [Document(each.filename, each.file_size, _opener(archive, each)) for each in members]


def _members(archive: ZipFile, names: re.Pattern[str]) -> list[ZipInfo]:
    files = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")]
    found = [each for each in files if names.fullmatch(each.filename.rpartition("/")[2])]
    if not found:
        listed = ", ".join(each.filename for each in files[:NAMES_SHOWN]) + (", …" if len(files) > NAMES_SHOWN else "")
        raise UnreadableExport(f"The zip has no chats of this product. It contains: {listed or 'nothing'}.")
    return found


def _opener(archive: ZipFile, member: ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast("BinaryIO", archive.open(member))


def values(document: Document, progress: Progress, losses: Losses) -> Iterator[object]:
    """Yield the items of the array in a document, or its values one after the other. Raise UnreadableExport."""
    with _errors(document.name), _integers_of_any_length():
        text = StorableJson(cast("BinaryIO", _Counted(_in_utf8(document.open()), progress)), losses)
        head = text.read(1)
        while head.isspace():
            head = text.read(1)
        rest = _Continued(head, text)
        for value in ijson.items(rest, "item" if head == b"[" else "", multiple_values=head != b"["):
            progress.in_chat = 0
            yield value


@contextmanager
def _integers_of_any_length() -> Iterator[None]:
    """Lift Python's limit, at which ijson's parser crashes. _Counted rejects numbers that would take too long."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(limit)


class _Counted:
    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._progress.count(len(data))
        if len(data) >= MANY_DIGITS and data.isdigit():
            raise ValueError("a number has too many digits")
        return data


class _Continued:
    """A file whose first bytes have been read."""

    def __init__(self, head: bytes, file: StorableJson) -> None:
        self._head = head
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not size:
            return b""
        head, self._head = self._head, b""
        return head or self._file.read(size)


def _in_utf8(file: BinaryIO) -> BinaryIO:
    """Return the file in UTF-8 without a byte order mark; editors and PowerShell write others."""
    reader = BufferedReader(cast("RawIOBase", file))
    encoding = json.detect_encoding(reader.peek(4)[:4])
    if encoding == "utf-8-sig":
        reader.read(len(codecs.BOM_UTF8))
    if encoding.startswith("utf-8"):
        return reader
    return cast("BinaryIO", codecs.EncodedFile(reader, "utf-8", encoding))


@contextmanager
def _errors(name: str) -> Iterator[None]:
    try:
        yield
    except (ijson.JSONError, ValueError, ArithmeticError) as error:
        raise UnreadableExport(f"{name} is incomplete or not JSON. {AGAIN}") from error
    except (BadZipFile, zlib.error, EOFError, OSError) as error:
        raise UnreadableExport(f"{name} is damaged or incomplete. {AGAIN}") from error
    except (RuntimeError, NotImplementedError) as error:
        # zipfile's errors for passwords and other compressions.
        raise UnreadableExport(f"{name} is encrypted or compressed in an unusual way. Unpack the zip first.") from error
