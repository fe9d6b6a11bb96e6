"""The event feed: tells a user's open pages what has changed. It is a hint, never the truth."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic, time
from typing import Any, NamedTuple, NoReturn

import structlog

from chat_sessions.background import forever
from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisAway, RedisLink, ScriptName, Subscription
from chat_sessions.contract.user import User
from chat_sessions.errors import TooManyStreams
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

EVENTS_AT_ONCE = 100
# How often to check that the subscription's connection is still good.
LISTEN_SECONDS = 1.0
RECONNECT_SECONDS = 0.5
# Nobody publishes here: a subscription needs a channel even while there are no streams.
KEPT_OPEN = "chat:nothing"
_EVENT_ID = re.compile(r"([0-9]{1,19}-[0-9]{1,19})@([0-9a-f]+)")


class Event(NamedTuple):
    """A change to a session; without a session, "reset": events may have been missed, so reload everything.

    The id contains the epoch: a server that comes back with older data may have this event, but not later ones.
    """

    id: str
    change: str
    session_id: str | None


class Opened(NamedTuple):
    """Where a stream starts, and for how long nothing had changed until then: a later read need not be repeated."""

    id: str
    quiet_ms: int


class Stream:
    """The events of one client. It has no queue: when woken, it reads from the last event that the client received."""

    def __init__(self, user: User, link: RedisLink, heartbeat: float, runs: dict[str, float]) -> None:
        self.channel = UserKeys(user.id).events
        self._user = user
        self._link = link
        self._heartbeat = heartbeat
        self._runs = runs
        self._woken = asyncio.Event()
        self._closing = False

    def wake(self) -> None:
        """Wake the stream to read new events."""
        self._woken.set()

    def close(self) -> None:
        """End the stream."""
        self._closing = True
        self._woken.set()

    async def events(self, last_event_id: str | None) -> AsyncIterator[Opened | Event | None]:
        """Yield the events after the given one, or from now on, until the token expires; None is a heartbeat.

        No event after the first result is missed.
        """
        opened = None if last_event_id else await self._opened()
        seen = opened.id if opened else last_event_id
        yield opened
        while not self._closing and time() < self._user.expires_at:
            self._woken.clear()
            events = await self._since(seen)
            for event in events:
                seen = event.id
                yield event
            if len(events) < EVENTS_AT_ONCE and not await self._was_woken():
                yield None

    async def _since(self, seen: str | None) -> list[Event]:
        try:
            known = _EVENT_ID.fullmatch(seen or "")
            if known is not None and known[2] == self._link.epoch(self.channel):
                found, epoch = await self._read("since", known[1], EVENTS_AT_ONCE)
                if found is not None:
                    return [_event(f"{event_id.decode()}@{epoch}", fields) for event_id, fields in found]
            (last, _), epoch = await self._read("last")
            return [Event(f"{last.decode()}@{epoch}", "reset", None)]
        except RedisAway:
            return []

    async def _opened(self) -> Opened | None:
        try:
            (last, quiet_ms), epoch = await self._read("last")
        except RedisAway:
            return None
        # An earlier run may have had events that this one lacks.
        since = self._runs.setdefault(epoch, monotonic())
        return Opened(f"{last.decode()}@{epoch}", min(quiet_ms, int((monotonic() - since) * 1000)))

    async def _read(self, script: ScriptName, *args: str | int) -> tuple[Any, str]:
        """Return the result of a script and its epoch; raise RedisAway."""
        before = self._link.epoch(self.channel)
        result = await self._link.run(script, [self.channel], args)
        after = self._link.epoch(self.channel)
        if before not in {"", after}:
            raise RedisAway
        return result, after

    async def _was_woken(self) -> bool:
        """Wait for `wake`; return False after a heartbeat interval, or when the token expires."""
        rest = min(self._heartbeat, max(0.0, self._user.expires_at - time()))
        try:
            async with asyncio.timeout(rest):
                return await self._woken.wait()
        except TimeoutError:
            return False


class Feed:
    """The streams of this process. They share one subscription, which wakes those with something to read."""

    def __init__(self, link: RedisLink, settings: Settings, metrics: Metrics) -> None:
        self._link = link
        self._settings = settings
        self._metrics = metrics
        self._streams: dict[str, set[Stream]] = {}
        self._subscription: Subscription | None = None
        self._listening = False
        # When each epoch was first met.
        self._runs: dict[str, float] = {}

    @asynccontextmanager
    async def opened(self, user: User) -> AsyncIterator[Stream]:
        """Open a stream for a user, or raise TooManyStreams."""
        stream = Stream(user, self._link, self._settings.feed_heartbeat, self._runs)
        theirs = self._streams.setdefault(stream.channel, set())
        if len(theirs) >= self._settings.feed_streams_per_user:
            raise TooManyStreams
        theirs.add(stream)
        self._metrics.feed_streams.inc()
        try:
            await self._subscribe(stream.channel)
            yield stream
        finally:
            self._metrics.feed_streams.dec()
            theirs.discard(stream)
            if not theirs:
                self._streams.pop(stream.channel, None)
                await self._unsubscribe(stream.channel)

    def close(self) -> None:
        """End every stream; clients reconnect to another worker, or to this one after its restart."""
        for stream in self._all():
            stream.close()

    async def run(self) -> NoReturn:
        """Listen until cancelled, reconnecting while Redis is away."""
        await forever("feed", self._follow, pause=RECONNECT_SECONDS, outages=(RedisAway,))

    async def _follow(self) -> None:
        try:
            async with self._link.subscription() as subscription:
                await self._listen(subscription)
        except RedisAway as error:
            # Only the end of a subscription: attempts to open the next one fail twice a second.
            if self._listening:
                log.info("feed.interrupted", error=error.__cause__)
            raise
        finally:
            self._subscription = None
            self._listening = False

    async def _listen(self, subscription: Subscription) -> None:
        """Return when the connection may have broken."""
        losses = self._link.lease.losses
        self._subscription = subscription
        await subscription.add(KEPT_OPEN, *self._streams)
        self._listening = True
        # Events published before the subscription woke no stream.
        for stream in self._all():
            stream.wake()
        while losses == self._link.lease.losses:
            channel = await subscription.next(LISTEN_SECONDS)
            for stream in self._streams.get(channel or "", ()):
                stream.wake()

    async def _subscribe(self, channel: str) -> None:
        if self._subscription is not None:
            # The listener notices a broken connection, and reconnects for all.
            with suppress(RedisAway):
                await self._subscription.add(channel)

    async def _unsubscribe(self, channel: str) -> None:
        if self._subscription is not None:
            with suppress(RedisAway):
                await self._subscription.remove(channel)

    def _all(self) -> list[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]


def _event(event_id: str, fields: list[bytes]) -> Event:
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    # A change to many sessions names none, and is a "reset" as well.
    return Event(event_id, named[b"change"].decode(), named[b"id"].decode() or None)
