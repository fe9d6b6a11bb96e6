"""The cache is bounded: per response, per user, and when Redis is full."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.cache.session_cache import (
    MAX_ENTRY_BYTES,
    MAX_FILLED_BYTES,
    SessionCache,
    Ticket,
)
from chat_sessions.contract.changes import Change
from chat_sessions.contract.representation import Representation
from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from tests.caching import cached, quiet
from tests.costs import counted
from tests.scrape import scrape
from tests.service import Caller
from tests.waiting import until
from tests.world import PATIENT, World, world

ADA = UserKeys("ada")
HOUR_MS = 3_600_000
HOLD_SECONDS = 60
RESPONSE = Representation('"1"', b"{}")


@pytest.fixture
def cache(trusted_link: RedisLink, settings: Settings) -> SessionCache:
    """A cache with a long hold: on a busy machine a fill may come late."""
    return SessionCache(trusted_link, settings.model_copy(update={"cache_hold": HOLD_SECONDS}), Metrics())


async def is_filled(
    cache: SessionCache, body: bytes = RESPONSE.body, redis_offset_ms: int = 0, local_age: float = 0
) -> bool:
    """Fill, and return whether the entry is cached; the offset and the age change the times of the ticket."""
    entry = cache.session_entry("ada", "a", "50:")
    ticket = await cache.read(entry)
    assert isinstance(ticket, Ticket)
    issued_at, requested_at = ticket.issued_at + redis_offset_ms, ticket.requested_at - local_age
    await cache.fill(entry, Ticket(ticket.generation, issued_at, requested_at), Representation(RESPONSE.etag, body))
    return isinstance(await cache.read(entry), Representation)


async def test_a_response_up_to_the_limit_is_cached(cache: SessionCache) -> None:
    assert await is_filled(cache, b"x" * (MAX_ENTRY_BYTES - 100))


async def test_a_response_above_the_limit_is_not_cached(cache: SessionCache) -> None:
    assert not await is_filled(cache, b"x" * MAX_ENTRY_BYTES)


async def test_a_user_at_their_limit_fills_no_more_but_others_do(cache: SessionCache, redis: RedisClient) -> None:
    await redis.set(ADA.filled, MAX_FILLED_BYTES, ex=100)
    assert not await is_filled(cache)
    await redis.set(UserKeys("bob").filled, MAX_FILLED_BYTES, ex=100)
    await redis.delete(ADA.filled)
    assert await is_filled(cache)


async def test_a_fill_counts_until_its_entry_expires(
    cache: SessionCache, redis: RedisClient, settings: Settings
) -> None:
    assert await is_filled(cache, b"x" * 1000)
    assert 1000 < int(await redis.get(ADA.filled) or 0) < 1100
    assert 0 < await redis.ttl(ADA.filled) <= settings.cache_ttl


async def test_a_ticket_older_than_a_hold_is_void_by_the_clock_of_redis(cache: SessionCache) -> None:
    assert not await is_filled(cache, redis_offset_ms=-HOLD_SECONDS * 1000 - 1)


async def test_a_ticket_older_than_a_hold_is_void_after_redis_set_its_clock_back(cache: SessionCache) -> None:
    assert not await is_filled(cache, redis_offset_ms=HOUR_MS, local_age=HOLD_SECONDS)
    assert await is_filled(cache, redis_offset_ms=HOUR_MS)


@pytest.fixture(scope="module")
async def deployment(postgres: Postgres, settings: Settings) -> AsyncIterator[World]:
    async with world(postgres, settings, rate_limit=60, rate_burst=40, **PATIENT) as deployment:
        yield deployment


@asynccontextmanager
async def full(deployment: World) -> AsyncIterator[RedisClient]:
    """Fill the memory of Redis."""
    async with deployment.redis_client() as redis:
        await redis.config_set("maxmemory", 1)
        try:
            yield redis
        finally:
            await redis.config_set("maxmemory", 0)


@pytest.fixture
async def callers(deployment: World) -> AsyncIterator[tuple[Caller, Caller]]:
    await deployment.emptied()
    async with deployment.callers("ada") as both:
        yield both
    await deployment.settled()


async def cached_session(deployment: World, callers: tuple[Caller, Caller]) -> str:
    session_id: str = (await callers[0].create("Lisbon"))["id"]
    async with deployment.redis_client() as redis:
        await quiet(deployment.database, redis)
        await cached(redis, callers[0], [session_id])
        await redis.delete(ADA.rate)
    return session_id


async def test_a_full_redis_still_serves_and_evicts(deployment: World, callers: tuple[Caller, Caller]) -> None:
    session_id = await cached_session(deployment, callers)
    async with full(deployment):
        statements = counted(deployment.workers[1])
        assert (await callers[1].get(session_id)).status_code == 200
        assert [each for each in statements() if '"Outbox"' not in each] == []
        assert (await callers[0].get(session_id, limit=7)).status_code == 200
        assert (await callers[0].delete(session_id)).status_code == 204
        assert [(await each.get(session_id)).status_code for each in callers] == [404, 404]
        assert [await each.is_fully_ready() for each in callers] == [True, True]


async def test_a_full_redis_still_limits_the_rate(deployment: World, callers: tuple[Caller, Caller]) -> None:
    async def is_limited() -> bool:
        return {(await each.page()).status_code for each in callers} == {429}

    async with full(deployment):
        await until(is_limited)


async def test_a_full_redis_still_locks(deployment: World, callers: tuple[Caller, Caller]) -> None:
    session_id = (await callers[0].create("Lisbon"))["id"]
    async with full(deployment):
        assert (await callers[0].append(session_id, "hi")).status_code == 201
        metrics = await scrape(callers[0])
    assert metrics.sum("chat_unlocked_appends_total") == 0


@pytest.mark.parametrize(("sessions", "events"), [(100, 100), (101, 1)])
async def test_a_sweep_of_more_sessions_than_one_script_takes_evicts_the_user_with_one_event(
    sessions: int, events: int, cache: SessionCache, redis: RedisClient
) -> None:
    await cache.evict("ada", [Change(str(number), "updated") for number in range(sessions)], swept=True)
    assert await redis.xlen(ADA.events) == events


async def test_a_list_with_as_many_cached_pages_as_allowed_starts_over(
    trusted_link: RedisLink, settings: Settings, redis: RedisClient
) -> None:
    cache = SessionCache(
        trusted_link, settings.model_copy(update={"cache_max_pages": 2, "cache_hold": HOLD_SECONDS}), Metrics()
    )
    pages = []
    for page in range(3):
        entry = cache.list_entry("ada", str(page))
        ticket = await cache.read(entry)
        assert isinstance(ticket, Ticket)
        await cache.fill(entry, ticket, RESPONSE)
        pages.append([each for each in range(3) if await redis.hexists(ADA.list, f"{each}:response")])
    assert pages == [[0], [0, 1], [2]]


async def test_a_cache_that_loses_its_lease_after_the_ticket_does_not_fill(
    trusted_link: RedisLink, cache: SessionCache, redis: RedisClient
) -> None:
    entry = cache.session_entry("ada", "a", "50:")
    ticket = await cache.read(entry)
    assert isinstance(ticket, Ticket)
    trusted_link.lease.lose("an eviction was given up")
    await cache.fill(entry, ticket, RESPONSE)
    assert await redis.exists(entry.key) == 0
