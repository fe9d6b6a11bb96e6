"""Fill the cache before a test evicts from it."""

import asyncio
from collections.abc import Sequence

import asyncpg
from redis.asyncio import Redis

from chat_sessions.cache.keys import UserKeys
from tests.service import Caller
from tests.waiting import swept, until_none

# The default limit: with it a read finds the page that `cached` has cached.
CACHED_LIMIT = 50


async def quiet(database: asyncpg.Pool, redis: Redis) -> None:
    """Wait until the sweeper has caught up, and drop the holds so that readers can fill the cache."""
    await swept(database)
    async for key in redis.scan_iter("*:hold:*"):
        await redis.delete(key)


async def cached(redis: Redis, caller: Caller, ids: Sequence[str], user: str = "ada") -> None:
    """Read the user's sessions and list until Redis holds them all."""
    keys = UserKeys(user)

    async def missing() -> list[str]:
        await asyncio.gather(*map(caller.get, ids), caller.page())
        return [key for key in (keys.list, *map(keys.session, ids)) if not await redis.exists(key)]

    await until_none(missing)
