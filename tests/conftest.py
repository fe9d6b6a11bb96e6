"""The real servers, once for the run; empty before each test, and looked through after it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import hypothesis
import pytest
from hypothesis import HealthCheck
from redis.asyncio import Redis as RedisClient

from chat_sessions.dev.embedded import Postgres, Redis, temporary_servers
from chat_sessions.settings import Settings
from chat_sessions.store.migrations import migrate_deploy
from chat_sessions.telemetry.logs import configure_logging
from tests.service import SECRET, Caller, Service, running

# `pytest --hypothesis-profile=thorough` looks longer.
base = hypothesis.settings(deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
hypothesis.settings.register_profile("quick", base, max_examples=8, stateful_step_count=25)
hypothesis.settings.register_profile("thorough", base, max_examples=200, stateful_step_count=50)
hypothesis.settings.load_profile("quick")


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Postgres, Redis]]:
    with temporary_servers() as both:
        yield both


@pytest.fixture(scope="session")
def postgres(servers: tuple[Postgres, Redis]) -> Postgres:
    return servers[0]


@pytest.fixture(scope="session")
def redis_server(servers: tuple[Postgres, Redis]) -> Redis:
    return servers[1]


@pytest.fixture(scope="session")
async def database(postgres: Postgres) -> AsyncIterator[asyncpg.Pool]:
    """A look into the database beside the service, migrated."""
    await asyncio.to_thread(migrate_deploy, postgres.url)
    async with asyncpg.create_pool(postgres.url, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture(scope="session")
async def redis(redis_server: Redis) -> AsyncIterator[RedisClient]:
    """A look into Redis beside the service."""
    async with RedisClient.from_url(redis_server.url) as client:
        yield client


@pytest.fixture(scope="session")
def settings(postgres: Postgres, redis_server: Redis) -> Settings:
    settings = Settings.model_validate(
        {
            "database_url": postgres.url,
            "redis_url": redis_server.url,
            "jwt_secret": SECRET,
            "log_level": "warning",
            "drain_seconds": 0,
        }
    )
    # Shorter than in production, so that tests which wait for them are quick.
    settings = settings.model_copy(update={"cache_hold": 1, "sweep_interval": 0.2})
    configure_logging(settings)
    return settings


@pytest.fixture(scope="session")
async def service(settings: Settings, database: asyncpg.Pool) -> AsyncIterator[Service]:  # noqa: ARG001  migrated
    async with running(settings) as worker:
        yield worker


@pytest.fixture(autouse=True)
async def _empty(database: asyncpg.Pool, redis: RedisClient) -> AsyncIterator[None]:
    await database.execute('TRUNCATE "ChatSession", "ChatMessage", "Outbox", "Tombstone"')
    await redis.flushall()
    yield
    immortal = [key async for key in redis.scan_iter() if await redis.ttl(key) == -1]
    assert immortal == [], "every key has a TTL"


@pytest.fixture
async def ada(service: Service) -> AsyncIterator[Caller]:
    async with service.client("ada") as client:
        yield Caller(client)


@pytest.fixture
async def bob(service: Service) -> AsyncIterator[Caller]:
    async with service.client("bob") as client:
        yield Caller(client)


@pytest.fixture
async def stranger(service: Service) -> AsyncIterator[Caller]:
    """Somebody without a token."""
    async with service.client(None) as client:
        yield Caller(client)
