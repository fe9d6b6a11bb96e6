"""The cache protocol: entries, holds, locks. Postgres is the truth; what is here may be lost, but never wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from math import ceil
from secrets import token_hex
from time import monotonic, perf_counter
from typing import Literal, NamedTuple, get_args
from urllib.parse import quote

import structlog

from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.telemetry.pseudonyms import pseudonyms

log = structlog.get_logger(__name__)

ChangeKind = Literal["created", "updated", "deleted"]
SlotKind = Literal["session", "list", "total"]
# Between two attempts to evict while Redis is away.
EVICT_RETRY_SECONDS = 0.05
# How often the patience with a Redis that answers pings, but no eviction.
FUTILE_ROUNDS = 3
# Redis blocks while a script runs. More sessions than these are evicted by user: one write, whatever their number.
MAX_SESSIONS_PER_EVICTION = 100
# A larger answer takes longer to cross the line twice than the database saves by not being asked.
MAX_ENTRY_BYTES = 256 * 1024
# What one user may fill within the life of an entry, so that nobody takes the cache from the others.
MAX_FILLED_BYTES = 16 * 1024 * 1024


class Change(NamedTuple):
    """What happened to a session."""

    session_id: str
    kind: ChangeKind


class Representation(NamedTuple):
    """An answer as it is sent: the bytes of the body and their ETag."""

    etag: str
    body: bytes


class Slot(NamedTuple):
    """Where an answer belongs: its key, the hold that keeps it out, and its field within the key."""

    kind: SlotKind

    entry: str
    hold: str
    generation: str
    filled: str
    field: str


class Ticket(NamedTuple):
    """The right to fill a slot, given by the read that missed.

    It is of a generation of the user's cache, and was issued at a time by Redis's clock (ms) and by ours (s): a change
    of either must not make it younger.
    """

    generation: str
    issued_at: int
    asked_at: float


class Keys:
    """The keys of one user. The braces make them one slot of a Redis Cluster; quoting keeps users apart."""

    def __init__(self, user: str) -> None:
        self._prefix = f"chat:{{{quote(user, safe='')}}}"
        self.list = f"{self._prefix}:list"
        self.list_hold = f"{self._prefix}:hold:list"
        self.total = f"{self._prefix}:total"
        # Every entry and ticket names the generation under which it came about, and is void under any other.
        self.generation = f"{self._prefix}:generation"
        self.filled = f"{self._prefix}:filled"
        self.events = f"{self._prefix}:events"
        self.told = f"{self._prefix}:hold:told"
        self.rate = f"{self._prefix}:rate"
        # A pattern for all of them: what a glob would read as more than itself is quoted.
        self.all = f"{self._prefix}:*"

    def session(self, session_id: str) -> str:
        """Return the key of a session's cached answers."""
        return f"{self._prefix}:session:{session_id}"

    def hold(self, session_id: str) -> str:
        """Return the key that keeps a session's answers out of the cache."""
        return f"{self._prefix}:hold:{session_id}"

    def lock(self, session_id: str) -> str:
        """Return the key of a session's lock."""
        return f"{self._prefix}:lock:{session_id}"


class ReadCounts:
    """What reads of one kind have come to."""

    def __init__(self, metrics: Metrics, kind: SlotKind) -> None:
        self.hit, self.miss, self.away = (metrics.cache_reads.labels(kind, each) for each in ("hit", "miss", "away"))


class SessionCache:
    """Answers ready to be sent, by user.

    A reader that misses gets a ticket, loads from Postgres, and fills. Whoever changes a session evicts its entries
    and leaves a hold behind, longer than a ticket is valid: a reader that loaded before the change finds either its
    entry evicted after the fill, or its fill refused. Where Redis loses its holds it loses the user's generation as
    well, and with that every ticket and entry.
    """

    def __init__(self, link: RedisLink, settings: Settings, metrics: Metrics) -> None:
        self._link = link
        self._settings = settings
        self._metrics = metrics
        self._name_of = pseudonyms(settings.log_user_key)
        # Finding a series among its siblings costs more than counting.
        self._reads = {kind: ReadCounts(metrics, kind) for kind in get_args(SlotKind)}
        self._hold_ms = int(settings.cache_hold * 1000)
        self._generation_ttl = settings.cache_ttl + ceil(settings.cache_hold)

    def session_slot(self, user: str, session_id: str, field: str) -> Slot:
        """Return where an answer about one session belongs."""
        keys = Keys(user)
        return Slot("session", keys.session(session_id), keys.hold(session_id), keys.generation, keys.filled, field)

    def list_slot(self, user: str, field: str) -> Slot:
        """Return where a page of the user's list belongs."""
        keys = Keys(user)
        return Slot("list", keys.list, keys.list_hold, keys.generation, keys.filled, field)

    def total_slot(self, user: str) -> Slot:
        """Return where the number of the user's sessions belongs: it outlives changes that do not touch it."""
        keys = Keys(user)
        return Slot("total", keys.total, keys.list_hold, keys.generation, keys.filled, "")

    async def read(self, slot: Slot) -> Representation | Ticket | None:
        """Return the cached answer, or a ticket to fill its slot, or None when it must not be filled now."""
        if not self._link.trusted:
            self._reads[slot.kind].away.inc()
            return None
        epoch, asked_at = self._link.epoch(slot.entry), monotonic()
        args = (slot.field, f"{epoch}.", f"{epoch}.{token_hex(8)}", self._generation_ttl)
        try:
            found = await self._link.run("read", (slot.entry, slot.hold, slot.generation), args)
        except RedisAway:
            found = None
        if not self._link.vouches_for(slot.entry, epoch):
            # Even a hit: the command may have met another run of the server, with older data.
            self._reads[slot.kind].away.inc()
            return None
        if isinstance(found, bytes):
            self._reads[slot.kind].hit.inc()
            _, etag, body = found.split(b"\n", 2)
            return Representation(etag.decode(), body)
        self._reads[slot.kind].miss.inc()
        return None if found is None else Ticket(found[0].decode(), int(found[1]), asked_at)

    async def fill(self, slot: Slot, ticket: Ticket, answer: Representation) -> None:
        """Cache an answer that was loaded after the ticket was issued, unless a change came in between."""
        if self._link.trusted:
            self._metrics.fills.labels(await self._filled(slot, ticket, answer)).inc()

    async def _filled(self, slot: Slot, ticket: Ticket, answer: Representation) -> str:
        value = b"\n".join((ticket.generation.encode(), answer.etag.encode(), answer.body))
        if len(value) > MAX_ENTRY_BYTES:
            return "too_large"
        if monotonic() - ticket.asked_at > self._settings.cache_hold:
            return "refused"
        last_valid = ticket.issued_at + self._hold_ms
        limits = (self._settings.cache_ttl, self._generation_ttl, self._settings.cache_max_pages, MAX_FILLED_BYTES)
        keys = (slot.entry, slot.hold, slot.generation, slot.filled)
        try:
            outcome = await self._link.run("fill", keys, (slot.field, value, ticket.generation, last_valid, *limits))
        except RedisAway:
            return "away"
        return str(outcome.decode())

    async def evict(self, user: str, changes: Sequence[Change]) -> bool:
        """Forget the changed sessions and the user's list, hold them out, tell the feed, and return whether all went.

        While Redis is away this retries until every other worker's lease has ended; from then on a failure is only
        counted, for the outbox remembers it. Never raises RedisAway.
        """
        return await self._insist(user, len(changes), lambda: self.forget(user, changes, swept=False))

    async def evict_all(self, user: str, changes: int) -> bool:
        """Do the same for more sessions than are worth naming: forget all that is cached of the user."""
        return await self._insist(user, changes, lambda: self._forget_all(Keys(user), swept=False))

    async def _insist(self, user: str, changes: int, forget: Callable[[], Awaitable[None]]) -> bool:
        started = monotonic()
        while True:
            try:
                await forget()
            except RedisAway:
                patience, tried_for = self._link.patience, monotonic() - started
                if self._link.away_for() >= patience or tried_for >= FUTILE_ROUNDS * patience:
                    self._link.give_up()
                    self._metrics.evictions.labels("skipped").inc(changes)
                    log.warning("eviction.skipped", user=self._name_of(user), changes=changes)
                    return False
                await asyncio.sleep(EVICT_RETRY_SECONDS)
            else:
                self._metrics.evictions.labels("done").inc(changes)
                return True

    async def forget(self, user: str, changes: Sequence[Change], *, swept: bool) -> None:
        """Evict once, or raise RedisAway; `swept` leaves out of the feed what a writer has told already."""
        keys, distinct = Keys(user), list(dict.fromkeys(changes))
        if len(distinct) > MAX_SESSIONS_PER_EVICTION:
            await self._forget_all(keys, swept=swept)
        else:
            await self._forget(keys, distinct, swept=swept)

    async def _forget(self, keys: Keys, changes: Sequence[Change], *, swept: bool) -> None:
        names = [keys.list, keys.list_hold, keys.events, keys.total]
        args = self._telling(swept=swept)
        for change in changes:
            names += [keys.session(change.session_id), keys.hold(change.session_id), keys.lock(change.session_id)]
            args += change
        await self._link.run("evict", names, args)

    async def _forget_all(self, keys: Keys, *, swept: bool) -> None:
        """Leave the sessions' locks: a writer that holds one finds no row."""
        names = (keys.generation, keys.list, keys.total, keys.events, keys.told)
        await self._link.run("reset", names, self._telling(swept=swept))

    def _telling(self, *, swept: bool) -> list[str | bytes | int]:
        return [self._hold_ms, self._settings.feed_length, self._settings.feed_ttl, int(swept)]

    @asynccontextmanager
    async def lock(self, user: str, session_id: str) -> AsyncIterator[None]:
        """Hold the session's lock, or raise SessionBusy; without Redis, go on without it."""
        name, asked_at = Keys(user).lock(session_id), perf_counter()
        async with self._link.lock(name, ttl=self._settings.lock_ttl, wait=self._settings.lock_wait):
            self._metrics.lock_wait.observe(perf_counter() - asked_at)
            yield
