"""Exports a user's sessions: the lines that `chat-sessions import` reads, in pieces of bounded size."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, nullcontext, suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final, LiteralString, NamedTuple

from prisma import Prisma

from chat_sessions.contract.schemas import SessionSummary
from chat_sessions.store.sql_json import MESSAGE, json_of

SESSIONS_PER_PAGE = 500
# A piece of a session ends with the message that reaches either limit.
MESSAGES_PER_PIECE = 200
BYTES_PER_PIECE = 512 * 1024
# Longer lines spool to disk.
BYTES_IN_MEMORY = 4 * 1024 * 1024
# A session that changes while its pieces are read is read again, but not forever.
ATTEMPTS = 3
LINE_BREAKS = str.maketrans("\r\n", "  ")

SESSIONS_OF_USER: Final[LiteralString] = """
SELECT "createdAt"::text AS "created_at", "id" FROM "ChatSession"
WHERE "userId" = $1 AND ("createdAt", "id") > ($2::timestamptz, $3) ORDER BY "createdAt", "id" LIMIT $4
"""

# A session with its messages from $3 on, and where the next piece starts, null after the last one.
PIECE_OF_SESSION: Final[LiteralString] = f"""
SELECT "version"::text, {json_of(SessionSummary)} AS "session", piece."messages",
    CASE WHEN piece."end" < "messageCount" - 1 THEN piece."end" + 1 END AS "next"
FROM "ChatSession" CROSS JOIN (
    WITH RECURSIVE piece AS (
        (
            SELECT 1 AS "rank", "sequence", "json", octet_length("json") AS "bytes" FROM (
                SELECT "sequence", {MESSAGE} AS "json" FROM "ChatMessage"
                WHERE "userId" = $1 AND "sessionId" = $2 AND "sequence" >= $3::int ORDER BY "sequence" LIMIT 1
            ) AS first
        )
        UNION ALL
        SELECT "rank" + 1, later."sequence", later."json", "bytes" + octet_length(later."json")
        FROM piece CROSS JOIN LATERAL (
            SELECT "sequence", {MESSAGE} AS "json" FROM "ChatMessage"
            WHERE "userId" = $1 AND "sessionId" = $2 AND "sequence" > piece."sequence" ORDER BY "sequence" LIMIT 1
        ) AS later
        WHERE "rank" < $4::int AND "bytes" < $5::int
    )
    SELECT string_agg("json", ',' ORDER BY "sequence") AS "messages", max("sequence") AS "end" FROM piece
) AS piece
WHERE "userId" = $1 AND "id" = $2
"""  # noqa: S608  names of columns only

# The chunks of a line.
Line = Iterator[bytes]
# Each query runs in one. An export that has begun waits for it instead of failing.
WAIT_SECONDS = 60.0
QueryTurn = Callable[[], AbstractAsyncContextManager[None]]


class _Position(NamedTuple):
    """A position in the order of creation, which never changes."""

    created_at: str = "-infinity"
    id: str = ""


class _Changed(Exception):
    """A session changed while it was read."""


class ExportStore:
    """Holds no connection between its queries, however slowly the client reads."""

    def __init__(self, prisma: Prisma) -> None:
        self._prisma = prisma

    async def lines(self, user: str, turn: QueryTurn = nullcontext) -> AsyncGenerator[Line]:
        """Yield one complete line per session; a session that is deleted meanwhile is left out."""
        position = _Position()
        while page := await self._query(turn, SESSIONS_OF_USER, user, *position, SESSIONS_PER_PAGE):
            for row in page:
                if line := await self._line(user, row["id"], turn):
                    yield line
            position = _Position(**page[-1])

    async def _line(self, user: str, session_id: str, turn: QueryTurn) -> Line | None:
        for attempt in range(1, ATTEMPTS + 1):
            with ExitStack() as stack, suppress(_Changed):
                file = stack.enter_context(SpooledTemporaryFile(BYTES_IN_MEMORY))
                if not await self._write(user, session_id, turn, file, strict=attempt < ATTEMPTS):
                    return None
                stack.pop_all()
                return _chunks(file)
        raise AssertionError

    async def _write(self, user: str, session_id: str, turn: QueryTurn, file: IO[bytes], *, strict: bool) -> bool:
        """Write the line, or return False if the session is gone; if `strict`, raise _Changed if it changes."""
        start, version = 0, None
        while start is not None:
            piece = await self._query(
                turn, PIECE_OF_SESSION, user, session_id, start, MESSAGES_PER_PIECE, BYTES_PER_PIECE
            )
            if not piece:
                return False
            [row] = piece
            if strict and version not in {None, row["version"]}:
                raise _Changed
            if version is None:
                file.write(_on_one_line(row["session"]).removesuffix(b"}") + b',"messages":[')
            elif row["messages"]:
                file.write(b",")
            file.write(_on_one_line(row["messages"] or ""))
            start, version = row["next"], row["version"]
        file.write(b"]}\n")
        return True

    async def _query(self, turn: QueryTurn, statement: LiteralString, *given: object) -> list[dict[str, Any]]:
        async with turn():
            return await self._prisma.query_raw(statement, *given)


def _chunks(file: IO[bytes]) -> Line:
    with file:
        file.seek(0)
        while chunk := file.read(BYTES_PER_PIECE):
            yield chunk


def _on_one_line(json: str) -> bytes:
    # Line breaks within strings are escaped; the others are whitespace.
    return json.translate(LINE_BREAKS).encode()
