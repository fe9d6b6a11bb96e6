"""The rules: who may, in which order, and when the cache forgets."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Concatenate, ParamSpec, TypeVar

from pydantic_core import to_json

from chat_sessions.cache.session_cache import (
    MAX_SESSIONS_PER_EVICTION,
    Change,
    ChangeKind,
    Representation,
    SessionCache,
    Slot,
)
from chat_sessions.contract import etags
from chat_sessions.contract.batch_outcome import BatchOutcome
from chat_sessions.contract.schemas import (
    BatchDeletion,
    NewMessage,
    NewSession,
    SessionChange,
    Summary,
)
from chat_sessions.contract.storable import JsonObject, digits_added
from chat_sessions.errors import BadRequest, PreconditionFailed, SessionNotFound, TooManyRequests, size_in_words
from chat_sessions.settings import Settings
from chat_sessions.store.filters import ListQuery
from chat_sessions.store.session_store import MessagePage, SessionStore, Versioned
from chat_sessions.turns import Turns

P = ParamSpec("P")
T = TypeVar("T")

# What a read waits for before it goes beyond the cache: the right to ask, asked for in the same round trip.
Admission = Awaitable[None] | None


class ChatSessions:
    """The chat sessions, each seen and touched by its owner only.

    Whoever changes one does it in Postgres first and then makes the cache forget it, before the caller hears of it.
    """

    def __init__(self, store: SessionStore, cache: SessionCache, settings: Settings) -> None:
        self._store = store
        self._cache = cache
        self._settings = settings
        # No user takes all the connections to the database from the others.
        self._shares = Turns(max(1, settings.database_pool_size // 2), TooManyRequests)

    async def list(self, user: str, query: ListQuery, admission: Admission = None) -> Representation:
        """Return a page of the user's sessions; searches are not cached, for few are repeated."""

        async def load() -> Representation:
            body = await self._listed(user, query)
            return Representation(etags.of_body(body), body)

        if query.q:
            if admission is not None:
                await admission
            return await load()
        field = f"{query.limit}:{query.offset}:{query.cursor or ''}:{int(query.pinned_first)}"
        return await self._cached(self._cache.list_slot(user, field), load, admission)

    async def get(self, user: str, session_id: str, page: MessagePage, admission: Admission = None) -> Representation:
        """Return a session with a page of its messages, or raise SessionNotFound."""

        async def load() -> Representation:
            found = await self._ask(self._store.find, user, session_id, page)
            if found is None:
                raise SessionNotFound
            return Representation(etags.of_version(found.version), found.value)

        field = f"{page.limit}:{'' if page.before is None else page.before}"
        return await self._cached(self._cache.session_slot(user, session_id, field), load, admission)

    async def create(self, user: str, new: NewSession) -> tuple[Versioned[Summary], bool]:
        """Return the session and whether it is new, or raise SessionIdTaken."""
        self._check_metadata(new.metadata)
        self._check_messages(new.messages)
        created, is_new = await self._ask(self._store.create, user, new)
        if is_new:
            await self._changed(user, created.value.id, "created")
        return created, is_new

    async def change(
        self, user: str, session_id: str, change: SessionChange, versions: Sequence[int] | None
    ) -> Versioned[Summary]:
        """Rename or pin; raise SessionNotFound, or PreconditionFailed if it has none of the versions."""
        changed = await self._ask(self._store.change, user, session_id, change, versions)
        if changed is None:
            raise await self._refusal(user, session_id, versions)
        await self._changed(user, session_id, "updated")
        return changed

    async def append(self, user: str, session_id: str, messages: Sequence[NewMessage]) -> bytes:
        """Append messages, one writer at a time, and return their JSON; raise SessionNotFound or SessionBusy."""
        self._check_messages(messages)
        async with self._cache.lock(user, session_id):
            stored = await self._ask(self._store.append, user, session_id, messages)
        if stored is None:
            raise SessionNotFound
        await self._changed(user, session_id, "updated")
        return stored

    async def delete(self, user: str, session_id: str, versions: Sequence[int] | None) -> None:
        """Delete a session for good; raise SessionNotFound, or PreconditionFailed if it has none of the versions."""
        if not await self._ask(self._store.delete, user, session_id, versions):
            raise await self._refusal(user, session_id, versions)
        await self._changed(user, session_id, "deleted")

    async def delete_batch(self, user: str, batch: BatchDeletion) -> BatchOutcome:
        """Delete many sessions, or only tell which it would be. What fails half-way has deleted some of them."""
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
        if outcome.is_large:
            await self._cache.evict_all(user, outcome.count)
        else:
            await self._cache.evict(user, [Change(session_id, "deleted") for session_id in outcome.ids])

    def _share(self, user: str) -> AbstractAsyncContextManager[None]:
        return self._shares.turn(user, self._settings.database_pool_timeout)

    async def _ask(
        self, call: Callable[Concatenate[str, P], Awaitable[T]], user: str, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Ask the store for a user, who may have to wait for what else he asks it."""
        async with self._share(user):
            return await call(user, *args, **kwargs)

    async def _cached(
        self, slot: Slot, load: Callable[[], Awaitable[Representation]], admission: Admission
    ) -> Representation:
        if admission is None:
            found = await self._cache.read(slot)
        else:
            found, _ = await asyncio.gather(self._cache.read(slot), admission)
        if isinstance(found, Representation):
            return found
        answer = await load()
        if found is not None:
            await self._cache.fill(slot, found, answer)
        return answer

    async def _listed(self, user: str, query: ListQuery) -> bytes:
        """Load a page, and count only if nobody has since a session came or went: that reads them all."""
        if query.q:
            return (await self._ask(self._store.list, user, query)).body
        slot = self._cache.total_slot(user)
        known = await self._cache.read(slot)
        if isinstance(known, Representation):
            return (await self._ask(self._store.list, user, query, int(known.body))).body
        listed = await self._ask(self._store.list, user, query)
        if known is not None:
            await self._cache.fill(slot, known, Representation("", str(listed.total).encode()))
        return listed.body

    async def _changed(self, user: str, session_id: str, kind: ChangeKind) -> None:
        await self._cache.evict(user, [Change(session_id, kind)])

    async def _refusal(
        self, user: str, session_id: str, versions: Sequence[int] | None
    ) -> SessionNotFound | PreconditionFailed:
        if versions is not None and await self._ask(self._store.exists, user, session_id):
            return PreconditionFailed()
        return SessionNotFound()

    def _check_messages(self, messages: Sequence[NewMessage]) -> None:
        for message in messages:
            self._check_metadata(message.metadata)
            _check_size("A message", message.model_dump_json().encode(), self._settings.max_message_bytes)

    def _check_metadata(self, metadata: JsonObject) -> None:
        _check_size("Metadata", to_json(metadata), self._settings.max_metadata_bytes)


def _check_size(name: str, json: bytes, limit: int) -> None:
    """Raise BadRequest if the JSON is larger than the limit as it was sent, or as Postgres will return it."""
    added = digits_added(json)
    if len(json) + added > limit:
        written_out = " Numbers count as they are stored, without an exponent." if added else ""
        raise BadRequest(f"{name} may have at most {size_in_words(limit)} of JSON.{written_out}", "body")
