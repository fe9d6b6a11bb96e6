"""Export and import."""

import json
import os
import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis as RedisClient
from typer.testing import Result

from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from chat_sessions.store import rows
from tests.command import Operator
from tests.databases import migrated_database
from tests.service import Caller, new_id

RICH: list[dict[str, Any]] = [
    {"role": "system", "content": "line\u2028paragraph\u2029next\u0085 and \U0001f600"},
    {"role": "user", "content": [{"type": "text", "text": "parts"}, {"type": "image_url", "image_url": {"url": "x"}}]},
    {
        "role": "assistant",
        "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    {
        "role": "tool",
        "tool_call_id": "t",
        "content": "",
        "name": "f",
        "metadata": {"n": 1.5, "deep": [None, {"k": []}]},
    },
    {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}, "refusal": "no"},
    {"role": "user", "id": "minted by the client", "content": "null"},
]


@pytest.fixture
def operator(settings: Settings) -> Operator:
    return Operator(settings)


async def chats(owner: Caller) -> dict[str, Any]:
    """Return everything that a user can see, by session id."""
    listed = (await owner.page(limit=100)).json()["sessions"]
    return {each["id"]: (await owner.get(each["id"], limit=200)).json() | {"user_id": None} for each in listed}


async def some_chats(owner: Caller) -> dict[str, Any]:
    await owner.create(None)
    await owner.create("Ünï\u2028code", metadata={"model": {"name": "m"}, "big": 2**60}, messages=RICH)
    pinned = await owner.create("pinned", messages=[{"role": "user", "content": "first"}])
    await owner.append(pinned["id"], "second", "third")
    await owner.change(pinned["id"], is_pinned=True)
    return await chats(owner)


async def exported(operator: Operator, user: str = "ada") -> bytes:
    return (await operator.succeed("export", "--user", user)).stdout_bytes


async def forget_tombstones(database: asyncpg.Pool) -> None:
    await database.execute('DELETE FROM "Tombstone"')


def line(**changes: object) -> bytes:
    """Return an exported line, with changes."""
    moment = "2026-01-02T03:04:05.678Z"
    whole = {
        "id": new_id(),
        "title": "t",
        "created_at": moment,
        "updated_at": moment,
        "is_pinned": False,
        "is_archived": False,
    }
    return json.dumps({**whole, "metadata": {}, "messages": [], **changes}).encode() + b"\n"


def message(sequence: int, **changes: object) -> dict[str, object]:
    return {"id": new_id(), "role": "user", "sequence": sequence, "created_at": "2026-01-02T03:04:05Z", **changes}


async def test_export_erase_import_restores_the_same_sessions(
    operator: Operator, ada: Caller, database: asyncpg.Pool
) -> None:
    before = await some_chats(ada)
    file = await exported(operator)
    await operator.succeed("erase-user", "ada", "--yes")
    assert await chats(ada) == {}
    await forget_tombstones(database)
    result = await operator.succeed("import", "--user", "ada", stdin=file)
    assert result.stdout == "Imported 3 sessions with 9 messages.\n"
    assert await chats(ada) == before
    assert await exported(operator) == file


async def test_another_user_imports_the_same_sessions_under_new_ids(
    operator: Operator, ada: Caller, bob: Caller
) -> None:
    before = await some_chats(ada)
    await operator.succeed("import", "--user", "bob", "--new-ids", stdin=await exported(operator))
    after = await chats(bob)
    assert not before.keys() & after.keys()

    def without_ids(all_chats: dict[str, Any]) -> list[Any]:
        return [each | {"id": None} for each in all_chats.values()]

    assert without_ids(after) == without_ids(before)
    assert await chats(ada) == before


async def test_an_imported_session_continues_where_it_ended(operator: Operator, ada: Caller) -> None:
    given = line(messages=[message(0), message(1)])
    await operator.succeed("import", "--user", "ada", stdin=given)
    response = await ada.append(json.loads(given)["id"], "next")
    assert [each["sequence"] for each in response.json()["messages"]] == [2]


async def test_an_import_evicts_the_cached_list_itself(
    settings: Settings, postgres: Postgres, redis: RedisClient
) -> None:
    # No service runs, so nothing else sweeps.
    url = await migrated_database(postgres)
    await redis.hset("chat:{ada}:list", "a page", "from before")
    await redis.expire("chat:{ada}:list", 60)
    await Operator(settings).succeed("import", "--user", "ada", stdin=line(), CHAT_DATABASE_URL=url)
    assert await redis.exists("chat:{ada}:list") == 0


async def test_a_long_session_is_one_complete_line(
    operator: Operator, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_sessions.store.export_store.MESSAGES_PER_PIECE", 2)
    monkeypatch.setattr("chat_sessions.store.export_store.BYTES_IN_MEMORY", 64)
    monkeypatch.setattr("chat_sessions.store.session_store.MESSAGES_PER_INSERT", 2)
    session = await ada.create("long", messages=[{"role": "user", "content": str(number)} for number in range(7)])
    [only] = (await exported(operator)).splitlines()
    assert [each["content"] for each in json.loads(only)["messages"]] == [str(number) for number in range(7)]
    await operator.succeed("import", "--user", "ada", "--new-ids", stdin=only)
    copies = [each for key, each in (await chats(ada)).items() if key != session["id"]]
    assert [each["content"] for each in copies[0]["messages"]] == [str(number) for number in range(7)]


def test_a_long_session_is_restored_in_statements_of_bounded_size() -> None:
    records = [b"1" * 40, b"2" * 60, b"3" * 200, b"4", b"5", b"6"]
    assert list(rows.arrays(records, count=2, size=100)) == [
        rows.array(records[:2]),
        rows.array(records[2:3]),
        rows.array(records[3:5]),
        rows.array(records[5:]),
    ]
    assert list(rows.arrays([], count=2, size=100)) == []


async def test_pages_of_sessions_have_no_gap_or_overlap(
    operator: Operator, ada: Caller, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_sessions.store.export_store.SESSIONS_PER_PAGE", 2)
    ids = [(await ada.create())["id"] for _ in range(7)]
    # Many share one time, the worst case for a page's edge.
    await database.execute('UPDATE "ChatSession" SET "createdAt" = \'2026-01-01\' WHERE "id" = ANY($1)', ids[:5])
    lines = [json.loads(each)["id"] for each in (await exported(operator)).splitlines()]
    assert sorted(lines) == sorted(ids)


async def test_a_file_is_private_to_its_owner_and_complete_or_absent(
    operator: Operator, ada: Caller, tmp_path: Path
) -> None:
    await some_chats(ada)
    target = tmp_path / "ada.ndjson"
    result = await operator.succeed("export", "--user", "ada", "--output", str(target))
    assert "Exported 3 sessions." in result.stderr
    assert target.read_bytes() == await exported(operator)
    assert target.stat().st_mode & 0o077 == 0
    assert os.listdir(tmp_path) == [target.name]  # noqa: PTH208  Path.iterdir counts as blocking


async def test_an_unwritable_or_unreadable_file_is_reported(operator: Operator, tmp_path: Path) -> None:
    result = await operator.fail("export", "--user", "ada", "--output", str(tmp_path / "no" / "file"))
    assert "no/file: No such file" in result.stderr
    missing = await operator.run("import", "--user", "ada", str(tmp_path / "missing"))
    assert missing.exit_code == 2
    assert "No such file" in " ".join(missing.stderr.replace("│", " ").split())


async def test_an_export_to_a_full_device_fails_with_a_message_and_leaves_the_device_in_place(
    operator: Operator, ada: Caller, tmp_path: Path
) -> None:
    await ada.create()
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    result = await operator.fail("export", "--user", "ada", "--output", str(full))
    assert result.stderr == f"Cannot write {full}: No space left on device\n"
    assert full.is_char_device()


async def test_taken_and_deleted_ids_are_rejected_by_line_and_the_rest_is_imported(
    operator: Operator, ada: Caller
) -> None:
    taken = await ada.create("mine")
    deleted = await ada.create()
    await ada.delete(deleted["id"])
    lines = [line(id=taken["id"]), line(title="one"), b"\n", line(id=deleted["id"]), line(title="two")]
    result = await operator.fail("import", "--user", "ada", stdin=b"".join(lines))
    assert rejections(result) == {
        1: "a session with this id is already here; use --new-ids to mint ids.",
        4: "a session with this id was deleted recently; use --new-ids to mint ids.",
    }
    assert result.stdout == "Imported 2 sessions with 0 messages; rejected 2 lines.\n"
    assert sorted(await ada.titles()) == ["mine", "one", "two"]


async def test_an_import_keeps_ids_that_only_other_users_have(operator: Operator, ada: Caller, bob: Caller) -> None:
    theirs = await bob.create("his")
    await operator.succeed("import", "--user", "ada", stdin=line(id=theirs["id"], title="hers"))
    assert (await ada.get(theirs["id"])).json()["title"] == "hers"
    assert (await bob.get(theirs["id"])).json()["title"] == "his"


async def test_a_strict_import_stops_at_the_first_rejected_line(operator: Operator, ada: Caller) -> None:
    lines = [line(title="one"), b"no json\n", line(title="two")]
    result = await operator.fail("import", "--user", "ada", "--strict", stdin=b"".join(lines))
    assert list(rejections(result)) == [2]
    assert "rejected 1 line and stopped there" in result.stdout
    assert await ada.titles() == ["one"]


INVALID_LINES = [
    (b"\xff\xfe\n", "not a JSON document in Unicode"),
    (b'{"id": \n', "not a JSON document in Unicode"),
    (b"[]\n", "not a JSON object"),
    (line(title="x" * 201), "title: must have at most 200 characters"),
    (line(title=None, extra=1), "extra: is unknown"),
    (line(title="\u200b"), "title: must have at least one visible character"),
    (line(title="nul\0"), "title: must not contain NUL"),
    (line().replace(b'"t"', rb'"\ud800"'), "title: must not contain unpaired surrogates"),
    (
        line(created_at="2026-01-02T03:04:05"),
        "created_at: must be a time in RFC 3339 format, such as 2026-01-31T12:00:00Z: its time zone is missing",
    ),
    (line(created_at="0001-01-01T00:00:00+14:00"), "created_at: must be in the years 1 to 9999"),
    (line(updated_at="9999-12-31T23:59:59-14:00"), "updated_at: must be in the years 1 to 9999"),
    (line(messages=[message(0, created_at="0001-01-01T00:00:00+00:01")]), "created_at: must be in the years 1 to 9999"),
    (line(is_pinned=None), "is_pinned: must be true or false"),
    (line(messages=[message(0, role="Robot")]), "messages[0].role: must be a word"),
    (line(messages=[message(1)]), "message sequences must be 0, 1, 2"),
    (line(messages=[message(0), message(0)]), "message sequences must be 0, 1, 2"),
    (line(messages=[message(0, id="x"), message(1, id="x")]), "two messages must not have the same id"),
    *(
        (line(id=each), "id: must be a UUID, or have 1 to 128 characters")
        for each in ("", "a/b", "é", "x" * 129, "a\n")
    ),
    *((line(id=each), "id: is reserved") for each in ("events", "search", "batch-delete", ".", "..")),
    (line(created_at="1767225600"), "created_at: must be a time in RFC 3339 format"),
]


async def test_invalid_lines_are_rejected_by_number_and_leave_nothing(operator: Operator, ada: Caller) -> None:
    given = b"".join(line(title="good") + bad for bad, _ in INVALID_LINES)
    result = await operator.fail("import", "--user", "ada", stdin=given)
    found = rejections(result)
    assert list(found) == [2 + 2 * index for index in range(len(INVALID_LINES))]
    assert [
        reason for (_, reason), (_, wanted) in zip(found.items(), INVALID_LINES, strict=True) if wanted not in reason
    ] == []
    assert await ada.titles() == ["good"] * len(INVALID_LINES)


FOREIGN = {
    "pretty": json.dumps(json.loads(line()), indent=2).encode() * 3,
    "array": b"[" + b",\n".join(line().strip() for _ in range(3)) + b"]",
    "csv": b"id,title\n1,Lisbon\n2,Porto\n",
    "binary": bytes(range(256)) * 40,
    "fine-tuning": b'{"messages": [{"role": "user", "content": "x"}]}\n' * 3,
    "another service": line(expert_id="x", messages=[message(0)]) * 3,
    "message per line": (json.dumps(message(0)).encode() + b"\n") * 3,
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
async def test_a_foreign_file_is_reported_once_and_nothing_is_imported(
    content: bytes, operator: Operator, ada: Caller
) -> None:
    result = await operator.fail("import", "--user", "ada", stdin=b"\n" + content)
    (error,) = result.stderr.splitlines()
    # Binary data may begin like UTF-16, in which the first line is another one.
    assert re.match(r"This is not an export: line [12] is not a session \(", error)
    assert "jq -c ." in error
    assert result.stdout == ""
    assert await ada.titles() == []


async def test_foreign_lines_within_an_export_are_rejected_one_by_one(operator: Operator, ada: Caller) -> None:
    given = line(title="one") + FOREIGN["fine-tuning"] + line(title="two")
    result = await operator.fail("import", "--user", "ada", stdin=given)
    assert list(rejections(result)) == [2, 3, 4]
    assert sorted(await ada.titles()) == ["one", "two"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_a_file_in_any_unicode_encoding_is_imported(encoding: str, operator: Operator, ada: Caller) -> None:
    titles = ["Lisboa é 😀 \u2028\u0a0a\u0d0a", "second"]
    given = "".join(json.dumps(json.loads(line(title=each)), ensure_ascii=False) + "\r\n" for each in titles)
    await operator.succeed("import", "--user", "ada", stdin=given.encode(encoding))
    assert sorted(await ada.titles()) == titles


async def test_the_end_of_a_damaged_utf_16_file_is_rejected(operator: Operator, ada: Caller) -> None:
    given = (line(title="one") + line(title="two")).decode().encode("utf-16") + b"x"
    result = await operator.fail("import", "--user", "ada", stdin=given)
    assert list(rejections(result).values()) == ["not a JSON document in Unicode."]
    assert sorted(await ada.titles()) == ["one", "two"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
async def test_the_first_and_the_last_possible_times_can_be_imported_and_read(
    moment: str, operator: Operator, ada: Caller
) -> None:
    given = line(title="old", created_at=moment, updated_at=moment, messages=[message(0, created_at=moment)])
    await operator.succeed("import", "--user", "ada", stdin=given)
    (listed,) = (await ada.page()).json()["sessions"]
    opened = (await ada.get(listed["id"])).json()
    assert listed["updated_at"][:19] == moment[:19]
    assert opened["messages"][0]["created_at"][:19] == moment[:19]


def rejections(result: Result) -> dict[int, str]:
    """Return the reasons by line number."""
    found = [
        each.removeprefix("Line ").split(": ", 1) for each in result.stderr.splitlines() if each.startswith("Line")
    ]
    return {int(number): reason for number, reason in found}
