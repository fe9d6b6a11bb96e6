"""Reading exports: zips, encodings, damage and memory use."""

import json
import re
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

import pytest

from chat_sessions.operator.foreign import files
from chat_sessions.operator.foreign.archive import Limits
from chat_sessions.operator.foreign.chat import LeftOut, Losses
from chat_sessions.operator.foreign.export import ForeignExport, WrongProduct
from chat_sessions.operator.foreign.files import Progress, UnreadableExport, documents, values
from chat_sessions.operator.foreign.readers import READERS
from chat_sessions.operator.foreign.source import Source
from chat_sessions.operator.importer import Record, Rejected
from tests.foreign.shapes import (
    LIBRE_ROOT,
    claude_chat,
    claude_message,
    claude_text,
    dumped,
    gpt_chat,
    gpt_message,
    libre_chat,
    libre_message,
    webui_chat,
    webui_message,
    zipped,
)

CHATS = {
    Source.CHATGPT: gpt_chat(gpt_message("q", "user", "Hi")),
    Source.CLAUDE: claude_chat(),
    Source.OPEN_WEBUI: webui_chat(webui_message("q", None, "user", "Hi")),
    Source.LIBRECHAT: libre_chat(libre_message("q", LIBRE_ROOT, "Hi")),
}


def read(content: bytes | BinaryIO, losses: Losses | None = None, names: str = r".+\.json") -> list[object]:
    file = BytesIO(content) if isinstance(content, bytes) else content
    found = documents(file, re.compile(names))
    progress = Progress(lambda _: None)
    return [each for document in found for each in values(document, progress, Losses() if losses is None else losses)]


def records(content: bytes, source: Source = Source.CHATGPT) -> list[Record | Rejected]:
    return list(stream(content, source))


def stream(content: bytes, source: Source = Source.CHATGPT) -> Iterator[Record | Rejected]:
    found = documents(BytesIO(content), READERS[source].files)
    export = ForeignExport(source, Limits(1024 * 1024, 16 * 1024))
    return export.records(found, Progress(lambda _: None))


def test_an_array_an_object_and_a_sequence_of_objects_are_read() -> None:
    assert read(b' \n[{"a": 1}, {"a": 2}]') == [{"a": 1}, {"a": 2}]
    assert read(b'{"a": 1}') == [{"a": 1}]
    assert read(b'{"a": 1}\n{"a": 2}\n') == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_every_unicode_encoding_is_read(encoding: str) -> None:
    given = ["é 😀 \u2028\u0a0a"] * 10_000
    assert read(json.dumps(given, ensure_ascii=False).encode(encoding)) == given


def test_only_the_chats_in_a_zip_are_read_in_order() -> None:
    content = zipped(
        {
            "chat.html": b"<html>",
            "export/conversations-001.json": b"[3]",
            "export/conversations-000.json": b"[1, 2]",
            "export/shared_conversations.json": b"[9]",
            "__MACOSX/export/._conversations-000.json": b"junk",
            "user.json": b"{}",
        }
    )
    assert read(content, names=READERS[Source.CHATGPT].files.pattern) == [1, 2, 3]


def test_the_error_for_a_zip_without_chats_lists_its_contents() -> None:
    with pytest.raises(UnreadableExport, match=r"no chats of this product. It contains: a.txt, b.png\."):
        read(zipped({"a.txt": b"", "b.png": b""}))
    with pytest.raises(UnreadableExport, match=r"It contains: nothing\."):
        read(zipped({}))


def test_an_empty_file_is_reported() -> None:
    with pytest.raises(UnreadableExport, match="The file is empty"):
        read(b"")


def test_the_chats_before_the_damage_are_read() -> None:
    found = iter_values(b'[{"a": 1}, {"a": 2}, {"a":')
    assert [next(found), next(found)] == [{"a": 1}, {"a": 2}]
    with pytest.raises(UnreadableExport, match=r"The file is incomplete or not JSON\. Download it again"):
        next(found)


def iter_values(content: bytes) -> Iterator[object]:
    return values(documents(BytesIO(content), re.compile(".*"))[0], Progress(lambda _: None), Losses())


def test_integers_beyond_pythons_digit_limit_are_read() -> None:
    (number,) = read(b"[1" + b"0" * 5000 + b"]")
    assert number == 10**5000


INVALID_JSON = [b"no json", b"[1] x", b'["\xff"]', b"[NaN]", b"[1e" + b"9" * 30 + b"]", b"[" + b"1" * 200_000 + b"]"]


@pytest.mark.parametrize("content", INVALID_JSON, ids=range(len(INVALID_JSON)))
def test_invalid_json_is_reported(content: bytes) -> None:
    with pytest.raises(UnreadableExport, match="is incomplete or not JSON"):
        read(content)


def test_a_truncated_or_altered_zip_is_reported() -> None:
    whole = zipped({"conversations.json": dumped([{"a": str(number)} for number in range(5000)])})
    with pytest.raises(UnreadableExport, match="The zip is damaged or incomplete"):
        read(whole[:-100])
    broken = whole[:200] + bytes(200) + whole[400:]
    with pytest.raises(UnreadableExport, match=r"conversations\.json is damaged or incomplete"):
        read(broken)


def test_an_encrypted_zip_is_reported() -> None:
    content = bytearray(zipped({"conversations.json": b"[]"}))
    # The encryption flag in the local and in the central header.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableExport, match="is encrypted or compressed in an unusual way"):
        read(bytes(content))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_UNPACKED_BYTES", 1024**2)
    half = b"[" + b" " * (600 * 1024) + b"]"
    with pytest.raises(UnreadableExport, match="The zip unpacks to more than 1 MiB"):
        read(zipped({"a.json": half, "b.json": half}))
    assert read(zipped({"a.json": half})) == []


def test_a_chat_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_CHAT_BYTES", 1024**2)
    # The limit applies to each chat, not to all of them together.
    assert len(read(dumped(["x" * 1000] * 2000))) == 2000
    with pytest.raises(UnreadableExport, match="a chat of more than 1 MiB"):
        read(b'["' + b"x" * 2 * 1024**2 + b'"]')


@pytest.mark.parametrize(
    ("given", "kept", "replaced"),
    [
        (r"a\u0000b", "a\ufffdb", 1),
        (r"\ud83d x \ude00", "\ufffd x \ufffd", 2),
        (r"\ud83d\ud83d\ude00", "\ufffd😀", 1),
        (r"\uD83D\uDE00\u00e9\n\"\\", '😀é\n"\\', 0),
        (r"\\ud83d \\\\u0000", r"\ud83d \\u0000", 0),
        (r"\\\ud83d", "\\\ufffd", 1),
    ],
)
def test_characters_that_postgres_cannot_store_are_replaced_and_counted(given: str, kept: str, replaced: int) -> None:
    losses = Losses()
    assert read(f'["{given}"]'.encode(), losses) == [kept]
    assert losses[LeftOut.CHARACTERS] == replaced


@pytest.mark.parametrize("size", range(1, 14))
def test_escapes_split_between_two_reads_are_decoded(size: int) -> None:
    class Slow(BytesIO):
        def read(self, limit: int | None = -1) -> bytes:
            return super().read(size if limit is None or limit < 0 else min(limit, size))

        read1 = read

    losses = Losses()
    assert read(Slow(rb'["\ud83d\ude00\ud83d\\u0000\u0000", "x"]'), losses) == ["😀\ufffd\\u0000\ufffd", "x"]
    assert losses[LeftOut.CHARACTERS] == 2


def test_the_file_of_another_product_is_refused_with_advice() -> None:
    for source, chat in CHATS.items():
        for other in CHATS.keys() - {source}:
            with pytest.raises(WrongProduct, match=f"not an export of {READERS[other].product}.*use --from {source}"):
                records(dumped([chat]), other)


def test_our_own_export_and_other_files_are_refused_with_advice() -> None:
    own: dict[str, object] = {"id": "x", "title": None, "is_pinned": False, "messages": []}
    with pytest.raises(WrongProduct, match="leave --from out"):
        records(dumped(own))
    with pytest.raises(WrongProduct, match="Choose another --from"):
        records(b"[1, 2]")


def test_a_record_that_is_not_a_chat_is_rejected_with_its_number() -> None:
    found = records(dumped([CHATS[Source.CHATGPT], {"mangled": True}, CHATS[Source.CHATGPT]]))
    assert [each.number for each in found] == [1, 2, 3]
    assert found[1] == Rejected(2, "not a chat of ChatGPT")


def test_a_chat_that_is_nested_too_deeply_is_rejected() -> None:
    # Python 3.13 serializes up to 10,000 levels.
    block = b'{"type": "tool_use", "id": "t", "name": "f", "input": ' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001
    message = b'{"uuid": "m", "sender": "assistant", "content": [' + block + b"]}"
    deep = b'{"uuid": "deep", "chat_messages": [' + message + b"]}"
    shallow = dumped(claude_chat(claude_message("1", "human", claude_text("Hi"))))
    rejected, kept = records(b"[" + deep + b"," + shallow + b"]", Source.CLAUDE)
    assert rejected == Rejected(1, "it is nested too deeply")
    assert kept.number == 2


def test_memory_does_not_grow_with_the_number_of_chats() -> None:
    chat = gpt_chat(*[gpt_message(str(number), "user", "x" * 4000) for number in range(10)])
    content = dumped([chat] * 500)
    archive = zipped({"conversations.json": content})
    tracemalloc.start()
    try:
        found = sum(1 for _ in stream(archive))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == 500
    assert peak < 4 * 1024**2 < len(content)
