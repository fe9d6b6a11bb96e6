"""The queries: sessions and messages in Postgres, through Prisma. Whose a session is stands in every `where`."""

from asyncio import sleep
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Generic, NamedTuple, TypeVar
from uuid import uuid4

from prisma import Prisma
from prisma.errors import RawQueryError
from prisma.models import ChatSession
from prisma.types import ChatSessionOrderByInput, ChatSessionWhereInput

from chat_sessions.contract.archive import ArchivedSession
from chat_sessions.contract.cursor import Cursor
from chat_sessions.contract.schemas import BatchDeletion, NewSession, SessionChange
from chat_sessions.contract.spelling import text_of
from chat_sessions.errors import MessageIdTaken, SessionBusy, SessionIdTaken, StatementUndone, Unavailable
from chat_sessions.limits import PacedLimit
from chat_sessions.store import filters, rows, sql_writes
from chat_sessions.store.citus import Topology
from chat_sessions.store.filters import ListQuery, Place
from chat_sessions.store.sql_reads import MAX_PAGE_BYTES, OPEN_SESSION, ListShape, list_sessions

UNIQUE_VIOLATION = "23505"
# A number that Postgres can store as JSON, but not compare.
NOT_COMPARABLE = "22003"
# An append collides with another one of the same message once, and then finds it.
APPEND_ATTEMPTS = 4
SNAPSHOT_ATTEMPTS = 5
# Each within the time of a statement: the cascade deletes the messages. So few that neither engine nor event loop is
# busy with a piece for long, and that Postgres looks up each id instead of reading the account.
SESSIONS_PER_PIECE = 250
MESSAGES_PER_PIECE = 20_000
IN_THE_ORDER_OF_CHANGE: list[ChatSessionOrderByInput] = [{"updatedAt": "asc"}, {"id": "asc"}]
# A page's most bytes, and whether it is made also if it ends because of them. Nearly all are ordinary.
ORDINARY_BYTES = 512 * 1024
ORDINARY, LARGE = (ORDINARY_BYTES, False), (MAX_PAGE_BYTES, True)
# Worker and engine hold several copies of a large page and keep a core busy, so there is one at a time, and a pause
# after it.
LARGE_PAGE_WAIT_SECONDS = 10
MANY_LARGE_PAGES = "Too many large pages are being read at once; try again, or read with a smaller limit."
BATCH_TIMEOUT = timedelta(seconds=30)
MESSAGES_PER_INSERT = 200

T = TypeVar("T")


class Versioned(NamedTuple, Generic[T]):
    """What was read or written, and the version of its session."""

    value: T
    version: int


class Created(NamedTuple):
    """The id and the JSON of a session, and whether there was none before."""

    id: str
    summary: Versioned[bytes]
    is_new: bool


class Listed(NamedTuple):
    """The JSON of a page of the list, and how many sessions there are on all pages."""

    body: bytes
    total: int


class MessagePage(NamedTuple):
    """Which messages of a session: the newest `limit`, or those before a sequence."""

    limit: int
    before: int | None = None


class SessionStore:
    """The sessions of all users."""

    def __init__(self, prisma: Prisma, topology: Topology | None = None) -> None:
        self._prisma = prisma
        self._topology = topology or Topology()
        self._large_pages = PacedLimit(LARGE_PAGE_WAIT_SECONDS, lambda: Unavailable(MANY_LARGE_PAGES))

    async def list(self, user: str, query: ListQuery, total: int | None = None) -> Listed:
        """Return a page, counting unless the total is known; raise BadRequest for a cursor that does not fit."""
        given: list[object] = [user, query.limit, query.offset, total]
        if query.q:
            given.append(f"%{filters.escaped(query.q)}%")
        if query.metadata:
            given.append(query.metadata)
        if query.cursor is not None:
            cursor = Cursor.decode(query.cursor, pinned_first=query.pinned_first)
            given += [*([cursor.pinned] if query.pinned_first else []), cursor.updated_at, cursor.id]
        shape = ListShape(
            query.pinned_first, after=query.cursor is not None, search=bool(query.q), metadata=bool(query.metadata)
        )
        page = (await self._prisma.query_raw(list_sessions(shape), *given))[0]
        return Listed(rows.list_body(page, pinned_first=query.pinned_first), int(page["total"]))

    async def find(self, user: str, session_id: str, page: MessagePage) -> Versioned[bytes] | None:
        """Return the JSON of a session with a page of its messages, or None if it is not the user's."""
        bounds = (page.before, page.limit)
        for row in await self._prisma.query_raw(OPEN_SESSION, session_id, user, *bounds, *ORDINARY):
            if row["body"] is not None:
                return Versioned(row["body"].encode(), int(row["version"]))
            return await self._find_large(user, session_id, bounds)
        return None

    async def _find_large(self, user: str, session_id: str, bounds: tuple[int | None, int]) -> Versioned[bytes] | None:
        """Do the same for a page of megabytes, one after the other."""
        async with self._large_pages.turn():
            for row in await self._prisma.query_raw(OPEN_SESSION, session_id, user, *bounds, *LARGE):
                return Versioned(row["body"].encode(), int(row["version"]))
        return None

    async def create(self, user: str, new: NewSession, messages: bytes) -> Created:
        """Create a session with a JSON array of records; return it and whether it is new.

        Raise SessionIdTaken if the user has deleted one with its id.
        """
        session_id = new.id or str(uuid4())
        given = (session_id, user, messages, new.title, text_of(new.metadata))
        try:
            created = await self._topology.query_for(self._prisma, user, sql_writes.CREATE_SESSION, *given)
        except RawQueryError as error:
            if not _is(error, UNIQUE_VIOLATION):
                raise
            raise SessionIdTaken from None
        known = created or await self._prisma.query_raw(sql_writes.FIND_SUMMARY, session_id, user)
        if not known:
            raise SessionIdTaken
        return Created(session_id, _summary(known[0]), is_new=bool(created))

    async def restore(self, user: str, archived: ArchivedSession) -> None:
        """Create a session as it was, or raise SessionIdTaken."""
        try:
            async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
                await transaction.execute_raw(sql_writes.RESTORE_SESSION, *rows.restored(user, archived))
                for start in range(0, len(archived.messages), MESSAGES_PER_INSERT):
                    some = rows.records(archived.messages[start : start + MESSAGES_PER_INSERT])
                    await transaction.execute_raw(sql_writes.RESTORE_MESSAGES, user, archived.id, some)
        except RawQueryError as error:
            if not _is(error, UNIQUE_VIOLATION):
                raise
            raise SessionIdTaken from None

    async def change(
        self, user: str, session_id: str, change: SessionChange, versions: Sequence[int] | None
    ) -> Versioned[bytes] | None:
        """Rename or pin a session that has one of the versions; None if there is none such of this user."""
        given = (session_id, user, change.title, change.is_pinned, versions)
        changed = await self._topology.query_for(self._prisma, user, sql_writes.CHANGE_SESSION, *given)
        return _summary(changed[0]) if changed else None

    async def append(self, user: str, session_id: str, messages: bytes) -> bytes | None:
        """Append a JSON array of records; return the messages with sequences, or None if the session is not the user's.

        Raise MessageIdTaken if the session has another message with the id of one of them.
        """
        for _ in range(APPEND_ATTEMPTS):
            try:
                given = (session_id, user, messages)
                [stored] = await self._topology.query_for(self._prisma, user, sql_writes.APPEND_MESSAGES, *given)
            except RawQueryError as error:
                if _is(error, NOT_COMPARABLE):
                    raise MessageIdTaken from None
                if not _is(error, UNIQUE_VIOLATION):
                    raise
            else:
                if stored["differs"]:
                    raise MessageIdTaken
                return stored["body"].encode() if stored["body"] else None
        raise SessionBusy

    async def delete(self, user: str, session_id: str, versions: Sequence[int] | None) -> bool:
        """Delete a session that has one of the versions, with its messages; False if there is none such."""
        where: ChatSessionWhereInput = {"id": session_id, "userId": user}
        if versions is not None:
            where["version"] = {"in": list(versions)}
        return await self._prisma.chatsession.delete_many(where=where) == 1

    async def delete_batch(self, user: str, batch: BatchDeletion) -> AsyncGenerator[Sequence[str], None]:
        """Delete what the batch names, and yield the ids, piece by piece; only yield them in a dry run."""
        named = filters.of_batch(user, batch)
        where, begun_at = named, None
        while True:
            started = monotonic()
            found, more = await self._delete_piece(user, where, dry_run=batch.dry_run)
            yield [each.id for each in found]
            if not more:
                return
            # Half of the time is for everybody else.
            await sleep(monotonic() - started)
            begun_at = begun_at or await self._now()
            where = filters.beyond(named, Place(found[-1].updatedAt, found[-1].id, begun_at))

    async def _delete_piece(
        self, user: str, where: ChatSessionWhereInput, *, dry_run: bool
    ) -> tuple[Sequence[ChatSession], bool]:
        """Delete some sessions with one `delete_many`, and return them, and whether there are more."""
        for _ in range(SNAPSHOT_ATTEMPTS):
            try:
                async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
                    # Both statements see the same rows; if one of them changes meanwhile, Postgres refuses the second.
                    await transaction.execute_raw("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    await transaction.execute_raw(sql_writes.PLAN_FOR_THE_VALUES)
                    found = await transaction.chatsession.find_many(
                        where=where, order=IN_THE_ORDER_OF_CHANGE, take=SESSIONS_PER_PIECE
                    )
                    piece = _bounded(found)
                    if piece and not dry_run:
                        ids = [each.id for each in piece]
                        await transaction.chatsession.delete_many(where={"userId": user, "id": {"in": ids}})
                    return piece, len(piece) < len(found) or len(found) == SESSIONS_PER_PIECE
            except StatementUndone:
                continue
        raise SessionBusy

    async def _now(self) -> datetime:
        return datetime.fromisoformat((await self._prisma.query_raw('SELECT now() AS "now"'))[0]["now"])

    async def exists(self, user: str, session_id: str) -> bool:
        """Return whether the user has this session."""
        return await self._prisma.chatsession.count(where={"id": session_id, "userId": user}) == 1


def _is(error: RawQueryError, state: str) -> bool:
    return bool(error.meta.get("code") == state)


def _summary(row: dict[str, str]) -> Versioned[bytes]:
    return Versioned(row["body"].encode(), int(row["version"]))


def _bounded(found: Sequence[ChatSession]) -> Sequence[ChatSession]:
    """Take as many as have a bounded number of messages together, and one at least."""
    messages = 0
    for number, each in enumerate(found):
        messages += each.messageCount
        if number and messages > MESSAGES_PER_PIECE:
            return found[:number]
    return found
