"""A database, a Redis and two workers, for tests that take some of them away."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pydantic import SecretStr
from redis.asyncio import Redis as RedisClient

from chat_sessions.dev.embedded import Postgres, Redis
from chat_sessions.settings import Settings
from tests.databases import EMPTY, migrated_database
from tests.service import Caller, Service, running
from tests.waiting import PATIENT_SECONDS, until_none

# As in production: writes retry for as long as a lease while Redis is down. A Redis that is only slow is waited for.
IMPATIENT = {"lease_slack": Settings.lease_slack}
# For tests that need the cache, however busy the machine is.
PATIENT = {"lease_slack": PATIENT_SECONDS}
# For tests of a Redis that is up but silent.
SOON_AWAY = {"redis_timeout": 0.25}


@dataclass
class World:
    """A complete deployment."""

    settings: Settings
    database: asyncpg.Pool
    redis: Redis
    workers: tuple[Service, Service]

    @asynccontextmanager
    async def callers(self, user: str) -> AsyncIterator[tuple[Caller, Caller]]:
        """One user through each of the workers."""
        first, second = self.workers
        async with first.client(user) as one, second.client(user) as two:
            yield Caller(one), Caller(two)

    @asynccontextmanager
    async def redis_client(self) -> AsyncIterator[RedisClient]:
        async with RedisClient.from_url(self.redis.url) as client:
            yield client

    async def trusted(self) -> None:
        """Wait until every worker trusts the cache."""
        await until_none(self.distrusting)

    async def distrusting(self) -> list[str]:
        """Return the readiness responses of workers that do not trust the cache."""
        return [body for body in await self._readiness() if '"status":"ok"' not in body]

    async def trusting(self) -> list[str]:
        """Return the readiness responses of workers that trust the cache."""
        return [body for body in await self._readiness() if '"status":"ok"' in body]

    async def _readiness(self) -> list[str]:
        return [await each.readiness() for each in self.workers]

    async def settled(self) -> None:
        """Wait until every worker trusts the cache and the current Redis.

        A worker reads its servers' run ids once per sweep interval, so until then it may trust a previous server. The
        current sweep may have read them already; the one after it has not.
        """
        awaited = [worker.sweeps + 2 for worker in self.workers]

        async def behind() -> list[str]:
            pairs = zip(self.workers, awaited, strict=True)
            return [f"sweep {each.sweeps} of {sweeps}" for each, sweeps in pairs if each.sweeps < sweeps]

        await until_none(behind)
        await self.trusted()

    async def emptied(self) -> None:
        await self.database.execute(EMPTY)
        async with self.redis_client() as redis:
            await redis.flushall()


@asynccontextmanager
async def world(postgres: Postgres, settings: Settings, **changes: object) -> AsyncIterator[World]:
    """Start a deployment; `changes` override settings."""
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder, Redis(Path(folder), durable=False) as redis:
        url = await migrated_database(postgres)
        own = {"database_url": SecretStr(url), "redis_url": SecretStr(redis.url), **IMPATIENT, **changes}
        settings = settings.model_copy(update=own)
        async with (
            asyncpg.create_pool(url, min_size=1, max_size=4) as database,
            running(settings) as first,
            running(settings) as second,
        ):
            yield World(settings, database, redis, (first, second))


@asynccontextmanager
async def restored(redis: Redis) -> AsyncIterator[None]:
    """After the block, restart Redis with the data that it had before."""
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        copy = Path(folder, "data")
        await asyncio.to_thread(shutil.copytree, redis.data, copy)
        yield
        redis.kill()
        shutil.rmtree(redis.data)
        shutil.copytree(copy, redis.data)
        redis.start()
