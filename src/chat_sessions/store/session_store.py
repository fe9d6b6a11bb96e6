"""The queries: sessions and messages in Postgres, through Prisma. Every `where` includes the user."""

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from prisma import Prisma
from prisma.errors import RawQueryError
from prisma.types import ChatSessionWhereInput

from chat_sessions.contract.archive import ArchivedSession
from chat_sessions.contract.cursor import Cursor
from chat_sessions.contract.schemas import BatchDeletion, NewSession, SessionChange
from chat_sessions.contract.spelling import text_of
from chat_sessions.errors import MessageIdTaken, SessionIdTaken, Unavailable
from chat_sessions.limits import PacedLimit
from chat_sessions.store import filters, rows, sql_writes
from chat_sessions.store.batches import delete_in_pieces
from chat_sessions.store.citus import Topology
from chat_sessions.store.export_store import ExportStore
from chat_sessions.store.filters import DEFAULT_LIMIT, MAX_LIMIT, ListQuery
from chat_sessions.store.message_store import MessageStore
from chat_sessions.store.search_store import SearchStore
from chat_sessions.store.sql_reads import MAX_PAGE_BYTES, ListShape, list_sessions, open_session
from chat_sessions.store.sqlstate import NOT_COMPARABLE, UNIQUE_VIOLATION, has_sqlstate
from chat_sessions.store.versioned import Versioned

# The maximum size of a page, and whether to return one that is cut there. Nearly all pages are ordinary.
ORDINARY_BYTES = 512 * 1024
ORDINARY, LARGE = (ORDINARY_BYTES, False), (MAX_PAGE_BYTES, True)
# Worker and engine hold several copies of a large page and occupy a core, so they are read one at a time, with a pause
# in between.
LARGE_PAGE_WAIT_SECONDS = 10
MANY_LARGE_PAGES = "Too many large pages are being read at once; try again, or read with a smaller limit."
BATCH_TIMEOUT = timedelta(seconds=30)
MESSAGES_PER_INSERT = 200
BYTES_PER_INSERT = 4 * 1024 * 1024


class Created(NamedTuple):
    """The id and the JSON of a session, and whether it was created just now."""

    id: str
    summary: Versioned[bytes]
    is_new: bool


class Listed(NamedTuple):
    """The JSON of a page of the list, and the number of sessions on all pages."""

    body: bytes
    total: int


class MessageQuery(NamedTuple):
    """Which messages of a session to return: the newest `limit`, or the newest before a sequence.

    With `whole_turns` the page grows if it would begin with the result of a tool.
    """

    limit: int
    before: int | None = None
    whole_turns: bool = False


class SessionStore:
    """The sessions of all users."""

    def __init__(self, prisma: Prisma, topology: Topology | None = None) -> None:
        self._prisma = prisma
        self._topology = topology or Topology()
        self.messages = MessageStore(prisma, self._topology)
        self.search = SearchStore(prisma)
        self.exports = ExportStore(prisma)
        self._large_pages = PacedLimit(LARGE_PAGE_WAIT_SECONDS, lambda: Unavailable(MANY_LARGE_PAGES))

    async def list(self, user: str, query: ListQuery, total: int | None = None) -> Listed:
        """Return a page, counting unless the total is known; raise BadRequest for an invalid cursor."""
        given: list[object] = [user, query.limit, query.offset, total]
        if query.q:
            given += filters.patterns(query.q)
        if query.metadata:
            given.append(query.metadata)
        if query.cursor is not None:
            cursor = Cursor.decode(query.cursor, pinned_first=query.pinned_first)
            given += [*([cursor.pinned] if query.pinned_first else []), cursor.updated_at, cursor.id]
        shape = ListShape(
            query.pinned_first,
            query.archived,
            after=query.cursor is not None,
            search=bool(query.q),
            metadata=bool(query.metadata),
            at_most=DEFAULT_LIMIT if query.limit <= DEFAULT_LIMIT else MAX_LIMIT,
        )
        page = (await self._prisma.query_raw(list_sessions(shape), *given))[0]
        return Listed(rows.list_body(page, pinned_first=query.pinned_first), int(page["total"]))

    async def find(self, user: str, session_id: str, query: MessageQuery) -> Versioned[bytes] | None:
        """Return the JSON of a session with a page of its messages, or None if it is not the user's."""
        wanted = (session_id, user, query.before, query.limit)
        statement = open_session(whole_turns=query.whole_turns)
        for row in await self._prisma.query_raw(statement, *wanted, *ORDINARY):
            if row["body"] is not None:
                return Versioned(row["body"].encode(), int(row["version"]))
            # A page of megabytes: one at a time.
            async with self._large_pages.turn():
                for large in await self._prisma.query_raw(statement, *wanted, *LARGE):
                    return Versioned(large["body"].encode(), int(large["version"]))
        return None

    async def create(self, user: str, new: NewSession, messages: bytes) -> Created:
        """Create a session with a JSON array of records, or return the existing one; say whether it is new.

        Raise SessionIdTaken if the user has deleted a session with this id, and MessageIdTaken if the existing one has
        another message with one of the ids.
        """
        session_id = new.id or str(uuid4())
        given = (session_id, user, messages, new.title, text_of(new.metadata), rows.title_key(new.title))
        try:
            created = await self._topology.query_for(self._prisma, user, sql_writes.CREATE_SESSION, *given)
        except RawQueryError as error:
            if not has_sqlstate(error, UNIQUE_VIOLATION):
                raise
            raise SessionIdTaken from None
        summary = _summary(created[0]) if created else await self._created(user, session_id, messages)
        return Created(session_id, summary, is_new=bool(created))

    async def _created(self, user: str, session_id: str, messages: bytes) -> Versioned[bytes]:
        """Return a session that exists, unless it has other messages with the same ids."""
        given = (session_id, user, messages)
        try:
            found = await self._topology.query_for(self._prisma, user, sql_writes.FIND_CREATED, *given)
        except RawQueryError as error:
            if not has_sqlstate(error, NOT_COMPARABLE):
                raise
            raise MessageIdTaken from None
        if not found:
            raise SessionIdTaken
        if found[0]["differs"]:
            raise MessageIdTaken
        return _summary(found[0])

    async def restore(self, user: str, archived: ArchivedSession) -> None:
        """Create a session as archived, or raise SessionIdTaken."""
        try:
            async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
                await transaction.execute_raw(sql_writes.RESTORE_SESSION, *rows.restored(user, archived))
                records = map(rows.record, archived.messages)
                for some in rows.arrays(records, MESSAGES_PER_INSERT, BYTES_PER_INSERT):
                    await transaction.execute_raw(sql_writes.RESTORE_MESSAGES, user, archived.id, some)
        except RawQueryError as error:
            if not has_sqlstate(error, UNIQUE_VIOLATION):
                raise
            raise SessionIdTaken from None

    async def change(
        self, user: str, session_id: str, change: SessionChange, versions: Sequence[int] | None
    ) -> Versioned[bytes] | None:
        """Change a session that has one of the versions, except its metadata; return None if the user has none."""
        return await self._change(self._prisma, (session_id, user, versions), change)

    async def change_metadata(
        self,
        user: str,
        session_id: str,
        change: SessionChange,
        versions: Sequence[int] | None,
        patched: Callable[[str], str],
    ) -> Versioned[bytes] | None:
        """Change a session and its metadata: `patched` turns the current metadata, which stays locked, into the new."""
        named = (session_id, user, versions)
        async with self._prisma.tx(timeout=BATCH_TIMEOUT) as transaction:
            found = await transaction.query_raw(sql_writes.LOCK_METADATA, *named)
            return await self._change(transaction, named, change, patched(found[0]["text"])) if found else None

    async def _change(
        self,
        prisma: Prisma,
        named: tuple[str, str, Sequence[int] | None],
        change: SessionChange,
        metadata: str | None = None,
    ) -> Versioned[bytes] | None:
        given = (*named, *rows.changed(change), metadata)
        changed = await self._topology.query_for(prisma, named[1], sql_writes.CHANGE_SESSION, *given)
        return _summary(changed[0]) if changed else None

    async def delete(self, user: str, session_id: str, versions: Sequence[int] | None) -> bool:
        """Delete a session with its messages if it has one of the versions; return whether it did."""
        where: ChatSessionWhereInput = {"id": session_id, "userId": user}
        if versions is not None:
            where["version"] = {"in": list(versions)}
        return await self._prisma.chatsession.delete_many(where=where) == 1

    def delete_batch(self, user: str, batch: BatchDeletion) -> AsyncGenerator[Sequence[str], None]:
        """Delete the sessions of a batch piece by piece, yielding their ids; a dry run only yields them."""
        return delete_in_pieces(self._prisma, user, batch)

    async def exists(self, user: str, session_id: str) -> bool:
        """Return whether the user has this session."""
        return await self._prisma.chatsession.count(where={"id": session_id, "userId": user}) == 1


def _summary(row: dict[str, str]) -> Versioned[bytes]:
    return Versioned(row["body"].encode(), int(row["version"]))
