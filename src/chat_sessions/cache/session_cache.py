"""Cached responses: entries, tickets and holds. Postgres is the truth; the cache may lose data, but is never wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from time import monotonic
from typing import Literal, NamedTuple, get_args

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.contract.changes import Change, Changes, ManyDeleted
from chat_sessions.contract.representation import Representation
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.unique import unique_name

EntryKind = Literal["session", "list", "total"]
# A script blocks Redis while it runs. Beyond this many sessions one write evicts the whole user instead.
MAX_SESSIONS_PER_EVICTION = 100
# Sending a larger body to Redis and back takes longer than loading it.
MAX_ENTRY_BYTES = 256 * 1024
# Per user and entry lifetime, so that no user takes the cache from the others.
MAX_FILLED_BYTES = 16 * 1024 * 1024


class Entry(NamedTuple):
    """Where a response is cached: a field of a hash, the hold that keeps it out, and the user's counters."""

    kind: EntryKind
    key: str
    hold: str
    generation: str
    filled: str
    field: str


class Ticket(NamedTuple):
    """The permission to fill an entry, issued to the reader that missed.

    It belongs to a generation of the user's cache. It carries the time by Redis's clock (ms) and by ours (s), so that
    setting either clock back does not make it younger.
    """

    generation: str
    issued_at: int
    requested_at: float


class ReadCounts:
    """The outcomes of reads of one kind. Looking up a labelled series costs more than incrementing it."""

    def __init__(self, metrics: Metrics, kind: EntryKind) -> None:
        self.hit, self.miss, self.away = (metrics.cache_reads.labels(kind, each) for each in ("hit", "miss", "away"))


class SessionCache:
    """Responses that are ready to send, by user.

    A reader that misses gets a ticket, loads from Postgres, and fills. A writer evicts the entries of the session and
    leaves a hold that outlives any ticket. So a reader that loaded before the change either has its entry evicted after
    the fill, or its fill refused. When Redis loses its holds it loses the user's generation with them, which voids all
    tickets and entries.
    """

    def __init__(self, link: RedisLink, settings: Settings, metrics: Metrics) -> None:
        self._link = link
        self._settings = settings
        self._fills = metrics.fills
        self._reads = {kind: ReadCounts(metrics, kind) for kind in get_args(EntryKind)}
        self._hold_ms = int(settings.cache_hold * 1000)
        self._generation_ttl = settings.cache_ttl + ceil(settings.cache_hold)

    def session_entry(self, user: str, session_id: str, field: str) -> Entry:
        """Return the entry of a response about one session."""
        keys = UserKeys(user)
        return Entry("session", keys.session(session_id), keys.hold(session_id), keys.generation, keys.filled, field)

    def list_entry(self, user: str, field: str) -> Entry:
        """Return the entry of a page of the user's list."""
        keys = UserKeys(user)
        return Entry("list", keys.list, keys.list_hold, keys.generation, keys.filled, field)

    def total_entry(self, user: str, field: str) -> Entry:
        """Return the entry of a count of the user's sessions, which updates do not evict."""
        keys = UserKeys(user)
        return Entry("total", keys.total, keys.list_hold, keys.generation, keys.filled, field)

    async def get_or_load(
        self, entry: Entry, load: Callable[[], Awaitable[Representation]], admission: Awaitable[None] | None = None
    ) -> Representation:
        """Return the cached response, or load it and fill the cache.

        `admission` is awaited in the round trip of the read: nothing is returned or loaded if it raises.
        """
        if admission is None:
            found = await self.read(entry)
        else:
            found, _ = await asyncio.gather(self.read(entry), admission)
        if isinstance(found, Representation):
            return found
        loaded = await load()
        if found is not None:
            await self.fill(entry, found, loaded)
        return loaded

    async def read(self, entry: Entry) -> Representation | Ticket | None:
        """Return the cached response, or a ticket to fill the entry, or None if it must not be filled now."""
        if not self._link.lease.valid:
            self._reads[entry.kind].away.inc()
            return None
        epoch, requested_at = self._link.epoch(entry.key), monotonic()
        args = (entry.field, f"{epoch}.", f"{epoch}.{unique_name()}", self._generation_ttl)
        try:
            found = await self._link.run("read", (entry.key, entry.hold, entry.generation), args)
        except RedisAway:
            found = None
        if not self._link.is_current(entry.key, epoch):
            # Not even a hit counts: it may come from another run of the server, with older data.
            self._reads[entry.kind].away.inc()
            return None
        if isinstance(found, bytes):
            self._reads[entry.kind].hit.inc()
            _, etag, body = found.split(b"\n", 2)
            return Representation(etag.decode(), body)
        self._reads[entry.kind].miss.inc()
        return None if found is None else Ticket(found[0].decode(), int(found[1]), requested_at)

    async def fill(self, entry: Entry, ticket: Ticket, loaded: Representation) -> None:
        """Cache a response that was loaded after the ticket was issued, unless something changed in between."""
        if self._link.lease.valid:
            self._fills.labels(await self._fill(entry, ticket, loaded)).inc()

    async def _fill(self, entry: Entry, ticket: Ticket, loaded: Representation) -> str:
        value = b"\n".join((ticket.generation.encode(), loaded.etag.encode(), loaded.body))
        if len(value) > MAX_ENTRY_BYTES:
            return "too_large"
        if monotonic() - ticket.requested_at > self._settings.cache_hold:
            return "refused"
        last_valid = ticket.issued_at + self._hold_ms
        limits = (self._settings.cache_ttl, self._generation_ttl, self._settings.cache_max_pages, MAX_FILLED_BYTES)
        keys = (entry.key, entry.hold, entry.generation, entry.filled)
        try:
            outcome = await self._link.run("fill", keys, (entry.field, value, ticket.generation, last_valid, *limits))
        except RedisAway:
            return "away"
        return str(outcome.decode())

    async def evict(self, user: str, changes: Changes, *, swept: bool = False) -> None:
        """Remove the changed sessions and the list, set their holds, and publish the changes; raise RedisAway.

        With `swept`, changes that their writer has published are not published again.
        """
        publish = [self._hold_ms, self._settings.feed_length, self._settings.feed_ttl, int(swept)]
        if isinstance(changes, ManyDeleted):
            await self._evict_user(user, publish)
            return
        distinct = list(dict.fromkeys(changes))
        if len(distinct) > MAX_SESSIONS_PER_EVICTION:
            await self._evict_user(user, publish)
        else:
            await self._evict_sessions(user, distinct, publish)

    async def _evict_sessions(self, user: str, changes: Sequence[Change], publish: Sequence[int]) -> None:
        keys = UserKeys(user)
        names = [keys.list, keys.list_hold, keys.events, keys.total]
        args: list[str | int] = [*publish]
        for change in changes:
            names += [keys.session(change.session_id), keys.hold(change.session_id), keys.lock(change.session_id)]
            args += change
        await self._link.run("evict", names, args)

    async def _evict_user(self, user: str, publish: Sequence[int]) -> None:
        """Evict everything but the session locks: a writer that holds one will find no row."""
        keys = UserKeys(user)
        await self._link.run("reset", (keys.generation, keys.list, keys.total, keys.events, keys.reset), publish)
