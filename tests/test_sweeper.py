"""The sweeper decides when the cache can be trusted again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.cache.session_cache import SessionCache
from chat_sessions.settings import Settings
from chat_sessions.store.outbox import NOTES_PER_SWEEP, Backlog, Note, Outbox
from chat_sessions.sweeper import MAX_NOTES_IN_FLIGHT, Sweeper
from chat_sessions.telemetry.metrics import Metrics
from tests.waiting import until


class FakeOutbox(Outbox):
    """Returns notes of uncached sessions, and runs a callback while they are read."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.oldest: str | None = None
        self.depth = 0
        self.meanwhile: Callable[[], None] = lambda: None

    async def backlog(self) -> Backlog:
        return Backlog(self.depth, self.oldest, 0.0)

    @asynccontextmanager
    async def take(self, limit: int = NOTES_PER_SWEEP) -> AsyncIterator[list[Note]]:
        yield self.notes[:limit]
        del self.notes[:limit]

    async def read(self, limit: int) -> list[Note]:
        self.meanwhile()
        return self.notes[:limit]


@pytest.fixture
async def link(settings: Settings) -> AsyncIterator[RedisLink]:
    link = RedisLink(settings, Metrics())
    yield link
    await link.close()


@pytest.fixture
def outbox() -> FakeOutbox:
    return FakeOutbox()


@pytest.fixture
def cache(link: RedisLink, settings: Settings) -> SessionCache:
    return SessionCache(link, settings, Metrics())


@pytest.fixture
def sweeper(link: RedisLink, outbox: FakeOutbox, cache: SessionCache, settings: Settings) -> Sweeper:
    return Sweeper(outbox, cache, link, settings, Metrics())


async def test_a_complete_sweep_starts_a_lease(sweeper: Sweeper, link: RedisLink) -> None:
    assert not link.lease.valid
    await sweeper.sweep()
    assert link.lease.valid


async def test_a_failure_during_a_sweep_requires_another_sweep(
    sweeper: Sweeper, link: RedisLink, outbox: FakeOutbox
) -> None:
    outbox.meanwhile = lambda: link.lease.lose("Redis failed while the outbox was read")
    await sweeper.sweep()
    assert not link.lease.valid
    outbox.meanwhile = lambda: None
    await sweeper.sweep()
    assert link.lease.valid


async def test_an_incomplete_sweep_leaves_the_cache_untrusted(
    sweeper: Sweeper, link: RedisLink, outbox: FakeOutbox
) -> None:
    outbox.notes = [Note("ada", "x", "updated")] * MAX_NOTES_IN_FLIGHT
    await sweeper.sweep()
    assert not link.lease.valid
    outbox.notes.pop()
    await sweeper.sweep()
    assert link.lease.valid


async def test_a_stuck_note_that_cannot_be_evicted_ends_the_lease(
    sweeper: Sweeper, link: RedisLink, outbox: FakeOutbox, cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RedisAway

    outbox.oldest, outbox.notes = "1", [Note("ada", "x", "updated")]
    await sweeper.sweep()
    assert link.lease.valid
    now = monotonic() + link.lease.duration + 1
    monkeypatch.setattr("chat_sessions.sweeper.monotonic", lambda: now)
    monkeypatch.setattr(cache, "evict", fail)
    with pytest.raises(RedisAway):
        await sweeper.sweep()
    assert not link.lease.valid


async def test_one_sweep_takes_all_batches(sweeper: Sweeper, outbox: FakeOutbox) -> None:
    outbox.notes = [Note("ada", "x", "updated")] * (2 * NOTES_PER_SWEEP + 1)
    outbox.depth = len(outbox.notes)
    await sweeper.sweep()
    assert outbox.notes == []


async def test_pings_between_sweeps_renew_the_lease(
    sweeper: Sweeper, link: RedisLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sweeper.sweep()
    proofs: list[float] = []
    monkeypatch.setattr(link.lease, "prove", proofs.append)
    watching = asyncio.create_task(sweeper.watch())

    async def renewed() -> bool:
        return len(proofs) >= 2

    await until(renewed)
    watching.cancel()
