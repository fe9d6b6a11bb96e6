"""A worker keeps copies of cached responses, and serves one only after Redis has confirmed it."""

from collections.abc import Awaitable, Callable
from unittest.mock import patch

import pytest
from redis.asyncio import Redis

from chat_sessions.cache import copies
from chat_sessions.cache.copies import MAX_BYTES, OVERHEAD_BYTES, Copies, Copy
from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.cache.session_cache import SessionCache, Ticket
from chat_sessions.contract.changes import Change, ManyDeleted
from chat_sessions.contract.representation import Representation
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from tests.costs import commands
from tests.waiting import LIMIT_SECONDS, until

ADA = UserKeys("ada")
BEFORE, AFTER = Representation('"1"', b'{"title": "before"}'), Representation('"1"', b'{"title": "after"}')


def of_a_worker(link: RedisLink, settings: Settings) -> SessionCache:
    """Return a worker's cache, with long holds: on a busy machine a fill may come late."""
    return SessionCache(link, settings.model_copy(update={"cache_hold": LIMIT_SECONDS}), Metrics())


@pytest.fixture
def reader(trusted_link: RedisLink, settings: Settings) -> SessionCache:
    return of_a_worker(trusted_link, settings)


@pytest.fixture
def other(trusted_link: RedisLink, settings: Settings) -> SessionCache:
    return of_a_worker(trusted_link, settings)


async def filled(cache: SessionCache, loaded: Representation, field: str = "50") -> None:
    """Fill the entry of Ada's session "a", and keep a copy."""
    entry = cache.session_entry("ada", "a", field)
    ticket = await cache.read(entry)
    assert isinstance(ticket, Ticket)
    await cache.fill(entry, ticket, loaded)


async def found(cache: SessionCache, field: str = "50") -> Representation | None:
    """Return what a reader is served without loading anything."""
    response = await cache.read(cache.session_entry("ada", "a", field))
    return response if isinstance(response, Representation) else None


@pytest.mark.parametrize("copied_by", ["fill", "read"])
async def test_redis_does_not_send_what_a_worker_has(
    copied_by: str, reader: SessionCache, other: SessionCache, redis: Redis
) -> None:
    await filled(reader if copied_by == "fill" else other, BEFORE)
    if copied_by == "read":
        await found(reader)
    async with commands(redis) as sent:
        assert await found(reader) == BEFORE
        assert [each.split()[0] for each in await sent()] == ["GET", "HGET"]


async def deleted_elsewhere(other: SessionCache, redis: Redis) -> None:
    del redis
    await other.evict("ada", [Change("a", "deleted")])


async def many_deleted_elsewhere(other: SessionCache, redis: Redis) -> None:
    del redis
    await other.evict("ada", ManyDeleted(1000))


async def expired(other: SessionCache, redis: Redis) -> None:
    del other
    await redis.delete(ADA.session("a"))


async def lost_its_generation(other: SessionCache, redis: Redis) -> None:
    del other
    await redis.delete(ADA.generation)


@pytest.mark.parametrize("end", [deleted_elsewhere, many_deleted_elsewhere, expired, lost_its_generation])
async def test_a_copy_ends_with_its_entry(
    end: Callable[[SessionCache, Redis], Awaitable[None]], reader: SessionCache, other: SessionCache, redis: Redis
) -> None:
    await filled(reader, BEFORE)
    await end(other, redis)
    assert await found(reader) is None


async def test_a_copy_gives_way_to_what_another_worker_cached_since(
    reader: SessionCache, other: SessionCache, redis: Redis
) -> None:
    await filled(reader, BEFORE)
    await redis.delete(ADA.session("a"))
    await filled(other, AFTER)
    assert [await found(reader), await found(reader)] == [AFTER, AFTER]


async def test_a_copy_that_redis_does_not_confirm_is_dropped(
    reader: SessionCache, other: SessionCache, redis: Redis
) -> None:
    await filled(reader, BEFORE)
    await other.evict("ada", [Change("a", "deleted")])
    async with commands(redis) as sent:
        assert [await found(reader), await found(reader)] == [None, None]
        assert [each.split()[0] for each in await sent()] == ["GET", "HGET", "EVALSHA", "EVALSHA"]


async def test_what_redis_refused_to_cache_leaves_no_copy(
    reader: SessionCache, other: SessionCache, redis: Redis
) -> None:
    entry = reader.session_entry("ada", "a", "50")
    ticket = await reader.read(entry)
    assert isinstance(ticket, Ticket)
    await other.evict("ada", [Change("a", "updated")])
    await reader.fill(entry, ticket, BEFORE)
    async with commands(redis) as sent:
        assert await found(reader) is None
        assert [each.split()[0] for each in await sent()] == ["EVALSHA"]


async def test_a_copy_from_an_earlier_run_of_redis_is_not_served(
    reader: SessionCache, trusted_link: RedisLink, redis: Redis
) -> None:
    await filled(reader, BEFORE)
    [server] = trusted_link._masters.all  # noqa: SLF001  a restart with all its data would take seconds
    server.epoch = "another run"
    assert await found(reader) is None
    assert await redis.exists(ADA.session("a"))


async def test_each_page_has_its_own_copy(reader: SessionCache) -> None:
    await filled(reader, BEFORE, "50")
    await filled(reader, AFTER, "10")
    assert [await found(reader, "50"), await found(reader, "10")] == [BEFORE, AFTER]


def copy_of(size: int) -> Copy:
    return Copy(b"generation", b"generation.stamp", Representation('"1"', b"x" * (size - OVERHEAD_BYTES)))


async def test_the_least_recently_used_copies_make_room_for_new_ones() -> None:
    kept = Copies()
    for key in "abc":
        kept.put(key, "50", copy_of(MAX_BYTES // 4))
    kept.get("a", "50")
    kept.put("d", "50", copy_of(MAX_BYTES // 2))
    assert [key for key in "abcd" if kept.get(key, "50")] == ["a", "c", "d"]


async def test_a_copy_that_is_replaced_or_dropped_takes_no_room() -> None:
    kept = Copies()
    kept.put("a", "50", copy_of(MAX_BYTES // 2))
    for _ in range(3):
        kept.put("b", "50", copy_of(MAX_BYTES // 4))
        kept.put("c", "50", copy_of(MAX_BYTES // 4))
        kept.drop("c")
    assert [key for key in "abc" if kept.get(key, "50")] == ["a", "b"]


async def test_copies_that_are_not_used_are_dropped() -> None:
    now = 0.0
    with patch.object(copies, "UNUSED_SECONDS", 0.01), patch.object(copies, "monotonic", lambda: now):
        kept = Copies()
        for key in "ab":
            kept.put(key, "50", copy_of(MAX_BYTES // 4))

        async def only_a_is_left() -> bool:
            return [*kept._by_key] == ["a"]  # noqa: SLF001  `get` would use them

        async def none_is_left() -> bool:
            return not kept._by_key  # noqa: SLF001

        now = 1.0
        kept.get("a", "50")
        await until(only_a_is_left)
        now = 2.0
        await until(none_is_left)
