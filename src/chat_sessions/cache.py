"""The cache protocol: entries, holds, locks. Postgres is the truth; what is here may be lost, but never wrong."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Literal, NamedTuple, get_args
from urllib.parse import quote

import structlog

from chat_sessions.redis_line.link import RedisAway, RedisLink
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics, user_hash

log = structlog.get_logger(__name__)

ChangeKind = Literal["created", "updated", "deleted"]
SlotKind = Literal["session", "list", "total"]
# Between two attempts to evict while Redis is away.
EVICT_RETRY_SECONDS = 0.05
# Lua unpacks and Redis blocks for as long as one script runs: many sessions go in several scripts.
SESSIONS_PER_EVICTION = 200


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
    field: str


class Ticket(NamedTuple):
    """The right to fill a slot, given by the read that missed: under which epoch, and when by Redis's clock (ms)."""

    epoch: str
    issued_at: int


class Keys:
    """The keys of one user. The braces make them one slot of a Redis Cluster; quoting keeps users apart."""

    def __init__(self, user: str) -> None:
        self._prefix = f"chat:{{{quote(user, safe='')}}}"
        self.list = f"{self._prefix}:list"
        self.list_hold = f"{self._prefix}:hold:list"
        self.total = f"{self._prefix}:total"
        self.events = f"{self._prefix}:events"
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
    entry evicted after the fill, or its fill refused.
    """

    def __init__(self, link: RedisLink, settings: Settings, metrics: Metrics) -> None:
        self._link = link
        self._settings = settings
        self._metrics = metrics
        # Finding a series among its siblings costs more than counting.
        self._reads = {kind: ReadCounts(metrics, kind) for kind in get_args(SlotKind)}
        self._hold_ms = int(settings.cache_hold * 1000)
        # Within this time every other worker has noticed as well that Redis is away: its watch has pinged in vain.
        self._patience = settings.sweep_interval + 3 * settings.redis_timeout

    def session_slot(self, user: str, session_id: str, field: str) -> Slot:
        """Return where an answer about one session belongs."""
        keys = Keys(user)
        return Slot("session", keys.session(session_id), keys.hold(session_id), field)

    def list_slot(self, user: str, field: str) -> Slot:
        """Return where a page of the user's list belongs."""
        keys = Keys(user)
        return Slot("list", keys.list, keys.list_hold, field)

    def total_slot(self, user: str) -> Slot:
        """Return where the number of the user's sessions belongs: it outlives changes that do not touch it."""
        keys = Keys(user)
        return Slot("total", keys.total, keys.list_hold, "")

    async def read(self, slot: Slot) -> Representation | Ticket | None:
        """Return the cached answer, or a ticket to fill its slot, or None when it must not be filled now."""
        if not self._link.trusted:
            self._reads[slot.kind].away.inc()
            return None
        epoch = self._link.epoch(slot.entry)
        try:
            found = await self._link.run("read", [slot.entry, slot.hold], [slot.field, f"{epoch}\n"])
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
        return None if found is None else Ticket(epoch, int(found))

    async def fill(self, slot: Slot, ticket: Ticket, answer: Representation) -> None:
        """Cache an answer that was loaded after the ticket was issued, unless a change came in between."""
        if not self._link.trusted:
            return
        value = b"\n".join((ticket.epoch.encode(), answer.etag.encode(), answer.body))
        last_valid = ticket.issued_at + self._hold_ms
        limits = (last_valid, self._settings.cache_ttl, self._settings.cache_max_pages)
        try:
            stored = await self._link.run("fill", [slot.entry, slot.hold], [slot.field, value, *limits])
        except RedisAway:
            return
        self._metrics.fills.labels("stored" if stored else "refused").inc()

    async def evict(self, user: str, changes: Sequence[Change]) -> bool:
        """Forget the changed sessions and the user's list, hold them out, tell the feed, and return whether all went.

        While Redis is away this tries on until the other workers must have noticed that, too, and stopped to trust
        the cache; from then on a failure is only counted, for the outbox remembers it. Never raises RedisAway.
        """
        while True:
            try:
                await self.forget(user, changes, swept=False)
            except RedisAway:
                if self._link.away_for() >= self._patience:
                    self._metrics.evictions.labels("skipped").inc(len(changes))
                    log.warning("eviction.skipped", user=user_hash(user), changes=len(changes))
                    return False
                await asyncio.sleep(EVICT_RETRY_SECONDS)
            else:
                self._metrics.evictions.labels("done").inc(len(changes))
                return True

    async def forget(self, user: str, changes: Sequence[Change], *, swept: bool) -> None:
        """Evict once, or raise RedisAway; `swept` leaves out of the feed what a writer has told already."""
        await asyncio.gather(
            *(
                self._forget(Keys(user), changes[start : start + SESSIONS_PER_EVICTION], swept=swept)
                for start in range(0, len(changes), SESSIONS_PER_EVICTION)
            )
        )

    async def _forget(self, keys: Keys, changes: Sequence[Change], *, swept: bool) -> None:
        names = [keys.list, keys.list_hold, keys.events, keys.total]
        args: list[str | bytes | int] = [self._hold_ms, self._settings.feed_length, self._settings.feed_ttl, int(swept)]
        for change in changes:
            names += [keys.session(change.session_id), keys.hold(change.session_id), keys.lock(change.session_id)]
            args += change
        await self._link.run("evict", names, args)

    @asynccontextmanager
    async def lock(self, user: str, session_id: str) -> AsyncIterator[None]:
        """Hold the session's lock, or raise SessionBusy; without Redis, go on without it."""
        name, asked_at = Keys(user).lock(session_id), perf_counter()
        async with self._link.lock(name, ttl=self._settings.lock_ttl, wait=self._settings.lock_wait):
            self._metrics.lock_wait.observe(perf_counter() - asked_at)
            yield
