"""Cached responses: entries, tickets and holds. Postgres is the truth; the cache may lose data, but is never wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from time import monotonic
from typing import Literal, NamedTuple, get_args

from chat_sessions.cache.copies import Copies, Copy
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
    """Where a response is cached: two fields of a hash, the hold that keeps it out, and the user's counters."""

    kind: EntryKind
    key: str
    hold: str
    generation: str
    filled: str
    response: str
    # The field of a name that begins with the generation, and that no other fill has.
    stamp: str


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
        self._copies = Copies()
        self._fills = metrics.fills
        self._reads = {kind: ReadCounts(metrics, kind) for kind in get_args(EntryKind)}
        self._hold_ms = int(settings.cache_hold * 1000)
        self._generation_ttl = settings.cache_ttl + ceil(settings.cache_hold)

    def session_entry(self, user: str, session_id: str, field: str) -> Entry:
        """Return the entry of a response about one session."""
        keys = UserKeys(user)
        return _entry("session", keys, keys.session(session_id), keys.hold(session_id), field)

    def list_entry(self, user: str, field: str) -> Entry:
        """Return the entry of a page of the user's list."""
        keys = UserKeys(user)
        return _entry("list", keys, keys.list, keys.list_hold, field)

    def total_entry(self, user: str, field: str) -> Entry:
        """Return the entry of a count of the user's sessions, which updates do not evict."""
        keys = UserKeys(user)
        return _entry("total", keys, keys.total, keys.list_hold, field)

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
        try:
            found = await self._confirmed(entry, epoch) or await self._find(entry, epoch, requested_at)
        except RedisAway:
            found = None
        if not self._link.is_current(entry.key, epoch):
            # Not even a hit counts: it may come from another run of the server, with older data.
            self._reads[entry.kind].away.inc()
            return None
        outcome = self._reads[entry.kind].hit if isinstance(found, Representation) else self._reads[entry.kind].miss
        outcome.inc()
        return found

    async def _confirmed(self, entry: Entry, epoch: str) -> Representation | None:
        """Return this worker's copy if Redis still has its generation and its stamp; otherwise drop it.

        The generation is read first: what voids it after that had not ended when this read began.
        """
        copy = self._copies.get(entry.key, entry.response)
        if copy is None or not copy.generation.startswith(epoch.encode()):
            return None
        generation, stamp = await self._link.commands(("GET", entry.generation), ("HGET", entry.key, entry.stamp))
        if (generation, stamp) != (copy.generation, copy.stamp):
            self._copies.drop(entry.key)
            return None
        return copy.representation

    async def _find(self, entry: Entry, epoch: str, requested_at: float) -> Representation | Ticket | None:
        args = (entry.response, entry.stamp, f"{epoch}.", f"{epoch}.{unique_name()}", self._generation_ttl)
        found = await self._link.run("read", (entry.key, entry.hold, entry.generation), args)
        if found is None:
            return None
        name, value = found
        if isinstance(value, int):
            return Ticket(name.decode(), value, requested_at)
        etag, body = value.split(b"\n", 1)
        representation = Representation(etag.decode(), body)
        self._keep(entry, name, representation)
        return representation

    def _keep(self, entry: Entry, stamp: bytes, representation: Representation) -> None:
        generation, _, _ = stamp.rpartition(b".")
        self._copies.put(entry.key, entry.response, Copy(generation, stamp, representation))

    async def fill(self, entry: Entry, ticket: Ticket, loaded: Representation) -> None:
        """Cache a response that was loaded after the ticket was issued, unless something changed in between."""
        if self._link.lease.valid:
            self._fills.labels(await self._fill(entry, ticket, loaded)).inc()

    async def _fill(self, entry: Entry, ticket: Ticket, loaded: Representation) -> str:
        value = b"\n".join((loaded.etag.encode(), loaded.body))
        if len(value) > MAX_ENTRY_BYTES:
            return "too_large"
        if monotonic() - ticket.requested_at > self._settings.cache_hold:
            return "refused"
        stamp = f"{ticket.generation}.{unique_name()}"
        fields = (entry.response, value, entry.stamp, stamp, ticket.generation)
        last_valid = ticket.issued_at + self._hold_ms
        limits = (self._settings.cache_ttl, self._generation_ttl, self._settings.cache_max_pages, MAX_FILLED_BYTES)
        keys = (entry.key, entry.hold, entry.generation, entry.filled)
        try:
            outcome = await self._link.run("fill", keys, (*fields, last_valid, *limits))
        except RedisAway:
            return "away"
        if outcome == b"stored":
            self._keep(entry, stamp.encode(), loaded)
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
        self._copies.drop(*names)
        await self._link.run("evict", names, args)

    async def _evict_user(self, user: str, publish: Sequence[int]) -> None:
        """Evict everything but the session locks: a writer that holds one will find no row."""
        keys = UserKeys(user)
        self._copies.drop(keys.list, keys.total)
        await self._link.run("reset", (keys.generation, keys.list, keys.total, keys.events, keys.reset), publish)


def _entry(kind: EntryKind, keys: UserKeys, key: str, hold: str, field: str) -> Entry:
    return Entry(kind, key, hold, keys.generation, keys.filled, f"{field}:response", f"{field}:stamp")
