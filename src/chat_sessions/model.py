"""The rules: ownership, the order of writes, and when the cache is evicted."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from pydantic import MISSING

from chat_sessions.cache.evictor import Evictor
from chat_sessions.cache.session_cache import MAX_SESSIONS_PER_EVICTION, SessionCache, Ticket
from chat_sessions.cache.session_lock import SessionLock
from chat_sessions.contract import etags
from chat_sessions.contract.batch_outcome import BatchOutcome
from chat_sessions.contract.changes import Change, ChangeKind, ManyDeleted
from chat_sessions.contract.messages import NewMessage, NewMessages
from chat_sessions.contract.representation import Representation
from chat_sessions.contract.schemas import BatchDeletion, NewSession, SessionChange
from chat_sessions.contract.search import SearchQuery
from chat_sessions.contract.spelling import merge_patch, text_of
from chat_sessions.errors import (
    BadRequest,
    MessageNotFound,
    PreconditionFailed,
    SessionNotFound,
    TooManyExports,
    TooManyRequests,
)
from chat_sessions.limits import KeyedLimit
from chat_sessions.settings import Settings
from chat_sessions.store import export_store
from chat_sessions.store.filters import ListQuery
from chat_sessions.store.records import Records
from chat_sessions.store.session_store import Created, Listed, MessageQuery, SessionStore
from chat_sessions.store.versioned import Versioned

P = ParamSpec("P")
T = TypeVar("T")

# Raises if the request exceeds the user's rate limit.
Admission = Awaitable[None] | None


class ChatSessions:
    """The chat sessions, each visible only to its owner.

    A change goes to Postgres first, then the cache is evicted, and only then does the caller get a response.
    """

    def __init__(
        self, store: SessionStore, cache: SessionCache, evictor: Evictor, lock: SessionLock, settings: Settings
    ) -> None:
        self._store = store
        self._cache = cache
        self._evictor = evictor
        self._lock = lock
        self._settings = settings
        self._records = Records(settings)
        # So that no user takes all database connections. Fewer would take more CPU: responses of the engine that are
        # ready at the same time share system calls.
        self._shares = KeyedLimit(max(1, settings.database_pool_size * 3 // 4), TooManyRequests)
        self._exports = KeyedLimit(1, TooManyExports)
        # A search occupies a core of Postgres.
        self._searches = KeyedLimit(1, TooManyRequests)

    async def list(self, user: str, query: ListQuery, admission: Admission = None) -> Representation:
        """Return a page of the user's sessions. Searches are not cached: few are repeated."""
        if query.is_search:
            if admission is not None:
                await admission
            return await self._search(user, query)
        field = f"{query.limit}:{query.offset}:{query.cursor or ''}:{int(query.pinned_first)}:{query.archived}"
        entry = self._cache.list_entry(user, field)
        return await self._cache.get_or_load(entry, lambda: self._load_list(user, query), admission)

    async def get(self, user: str, session_id: str, query: MessageQuery, admission: Admission = None) -> Representation:
        """Return a session with a page of its messages, or raise SessionNotFound."""
        field = f"{query.limit}:{'' if query.before is None else query.before}:{int(query.whole_turns)}"
        entry = self._cache.session_entry(user, session_id, field)
        return await self._cache.get_or_load(entry, lambda: self._load_session(user, session_id, query), admission)

    async def search(self, user: str, query: SearchQuery) -> bytes:
        """Return a page of the sessions that contain a text, one search per user at a time."""
        async with self._searches.turn(user, self._settings.database_pool_timeout):
            return await self._query(self._store.search.page, user, query)

    async def export(self, user: str) -> AsyncGenerator[bytes]:
        """Yield chunks of the lines of an export, or raise TooManyExports."""
        lines = self._store.exports.lines(user, lambda: self._shares.turn(user, export_store.WAIT_SECONDS))
        async with self._exports.turn(user, wait=0), aclosing(lines):
            async for line in lines:
                for chunk in line:
                    yield chunk

    async def _search(self, user: str, query: ListQuery) -> Representation:
        return _list_page(await self._query(self._store.list, user, query))

    async def _load_list(self, user: str, query: ListQuery) -> Representation:
        """Load a page. Counting reads all sessions of the user, so the total has an entry that updates leave alone."""
        entry = self._cache.total_entry(user, query.archived)
        known = await self._cache.read(entry)
        total = int(known.body) if isinstance(known, Representation) else None
        listed = await self._query(self._store.list, user, query, total)
        if isinstance(known, Ticket):
            await self._cache.fill(entry, known, Representation("", str(listed.total).encode()))
        return _list_page(listed)

    async def _load_session(self, user: str, session_id: str, query: MessageQuery) -> Representation:
        found = await self._query(self._store.find, user, session_id, query)
        if found is None:
            raise SessionNotFound
        return Representation(etags.of_version(found.version), found.value)

    async def create(self, user: str, new: NewSession) -> Created:
        """Return the session and whether it is new, or raise SessionIdTaken."""
        self._records.check_metadata(new.metadata)
        records = await self._records.of(new.messages)
        created = await self._query(self._store.create, user, new, records)
        if created.is_new:
            await self._changed(user, created.id, "created")
        return created

    async def change(
        self, user: str, session_id: str, change: SessionChange, versions: Sequence[int] | None
    ) -> Versioned[bytes]:
        """Change a session; raise SessionNotFound, or PreconditionFailed if it has none of the versions."""
        if change.metadata is MISSING:
            changed = await self._query(self._store.change, user, session_id, change, versions)
        else:
            patched = partial(self._patched_metadata, text_of(change.metadata))
            changed = await self._query(self._store.change_metadata, user, session_id, change, versions, patched)
        if changed is None:
            raise await self._refusal(user, session_id, versions)
        await self._changed(user, session_id, "updated" if change.is_archived is MISSING else "archived")
        return changed

    async def append(self, user: str, session_id: str, new: NewMessages) -> bytes:
        """Append messages, one writer at a time, and return their JSON.

        Raise SessionNotFound, SessionBusy, MessageIdTaken or EndMoved.
        """
        records = await self._records.of(new.messages)
        async with self._lock.held(user, session_id) as lock:
            stored = await self._query(self._store.messages.append, user, session_id, records, new.after_sequence)
            if stored is None:
                raise SessionNotFound
            token = lock.pass_on()
        await self._changed(user, session_id, "updated", token)
        return stored

    async def replace(
        self, user: str, session_id: str, message_id: str, message: NewMessage, versions: Sequence[int] | None
    ) -> Versioned[bytes]:
        """Replace a message, which keeps its sequence and time, and return its JSON.

        Raise MessageNotFound, SessionBusy, or PreconditionFailed if the session has none of the versions.
        """
        if message.id not in {None, message_id}:
            raise BadRequest("The `id` in the body must be the one in the path. Change it, or omit it.", "body", "id")
        record = self._records.replacing(message_id, message)
        async with self._lock.held(user, session_id) as lock:
            replaced = await self._query(self._store.messages.replace, user, session_id, message_id, record, versions)
            if replaced is None:
                raise await self._no_message(user, session_id, message_id, versions)
            token = lock.pass_on()
        await self._changed(user, session_id, "updated", token)
        return replaced

    async def _no_message(
        self, user: str, session_id: str, message_id: str, versions: Sequence[int] | None
    ) -> MessageNotFound | PreconditionFailed:
        if versions is not None and await self._query(self._store.messages.exists, user, session_id, message_id):
            return PreconditionFailed()
        return MessageNotFound()

    async def cut(self, user: str, session_id: str, start: int, versions: Sequence[int] | None) -> None:
        """Delete the messages from a sequence on; raise SessionNotFound, or PreconditionFailed for other versions.

        Like a deletion it does not wait for the session's lock. It evicts even if there is nothing to cut: an earlier
        attempt may have cut and then crashed.
        """
        if not await self._query(self._store.messages.cut, user, session_id, start, versions):
            raise await self._refusal(user, session_id, versions)
        await self._changed(user, session_id, "updated")

    async def delete(self, user: str, session_id: str, versions: Sequence[int] | None) -> None:
        """Delete a session for good; raise SessionNotFound, or PreconditionFailed if it has none of the versions."""
        if not await self._query(self._store.delete, user, session_id, versions):
            raise await self._refusal(user, session_id, versions)
        await self._changed(user, session_id, "deleted")

    async def delete_batch(self, user: str, batch: BatchDeletion) -> BatchOutcome:
        """Delete many sessions, or in a dry run only list them. A call that fails halfway has deleted some."""
        outcome = BatchOutcome(batch.ids or (), few=MAX_SESSIONS_PER_EVICTION)
        try:
            async with self._share(user), aclosing(self._store.delete_batch(user, batch)) as pieces:
                async for ids in pieces:
                    outcome.add(ids)
        finally:
            if outcome.count and not batch.dry_run:
                await self._evict(user, outcome)
        return outcome

    async def _evict(self, user: str, outcome: BatchOutcome) -> None:
        ids = [Change(session_id, "deleted") for session_id in outcome.ids]
        await self._evictor.evict(user, ManyDeleted(outcome.count) if outcome.is_large else ids)

    def _share(self, user: str) -> AbstractAsyncContextManager[None]:
        return self._shares.turn(user, self._settings.database_pool_timeout)

    async def _query(
        self, call: Callable[Concatenate[str, P], Awaitable[T]], user: str, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Query the store within the user's share of the connections."""
        async with self._share(user):
            return await call(user, *args, **kwargs)

    async def _changed(self, user: str, session_id: str, kind: ChangeKind, lock_token: str = "") -> None:
        await self._evictor.evict(user, [Change(session_id, kind, lock_token)])

    async def _refusal(
        self, user: str, session_id: str, versions: Sequence[int] | None
    ) -> SessionNotFound | PreconditionFailed:
        if versions is not None and await self._query(self._store.exists, user, session_id):
            return PreconditionFailed()
        return SessionNotFound()

    def _patched_metadata(self, patch: str, metadata: str) -> str:
        patched = merge_patch(metadata, patch)
        self._records.check_metadata(patched)
        return patched


def _list_page(listed: Listed) -> Representation:
    return Representation(etags.of_body(listed.body), listed.body)
