"""Real servers, one set per pytest worker; emptied before each test that uses them, and checked after it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from unittest.mock import patch

import asyncpg
import hypothesis
import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.dev.embedded import Postgres, Redis, temporary_servers
from chat_sessions.settings import Settings
from chat_sessions.settings.environment import IGNORED_PREFIX, PREFIX
from chat_sessions.store.migrations import migrate_deploy
from chat_sessions.telemetry.logs import configure_logging
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions_client import ChatSessions
from tests import citus
from tests.citus import Coordinator
from tests.databases import EMPTY
from tests.listening import on_a_socket
from tests.proxy import Proxy
from tests.service import SECRET, Caller, Service, running, token
from tests.waiting import PATIENT_SECONDS, until
from tests.webhook_receiver import Receiver, receiving
from tests.wire import url_through

# `make nightly` uses the other profile.
base = hypothesis.settings(deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck))
hypothesis.settings.register_profile("quick", base, max_examples=15, stateful_step_count=25)
hypothesis.settings.register_profile("thorough", base, max_examples=1500, stateful_step_count=50)
hypothesis.settings.load_profile("quick")

LONGEST = {
    *("test_fuzz.py", "test_stateful.py", "test_soak.py", "test_redis_cluster.py", "test_redis_sentinel.py"),
    *("test_workers.py", "test_draining.py", "test_crashes.py", "test_webhook_crashes.py", "test_webhooks.py"),
    *("test_races.py", "test_redis_away.py", "test_connections.py", "test_doctor.py", "test_cli.py", "test_dev.py"),
    *("test_tracing.py", "test_deletion_commands.py", "test_feed.py", "test_portability.py", "test_life.py"),
    *("test_outbox.py", "test_clients.py", "test_adapters.py", "test_migrations.py"),
}


def pytest_configure() -> None:
    """Hide the settings in the developer's own environment."""
    for name in filter(is_setting, list(os.environ)):
        del os.environ[name]


def is_setting(name: str) -> bool:
    """Return whether a variable configures the service, and not the tests."""
    return name == "PORT" or (name.upper().startswith(PREFIX) and not name.startswith(IGNORED_PREFIX))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first, so that no worker is left alone with one of them."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Postgres, Redis]]:
    with temporary_servers() as both:
        yield both


@pytest.fixture(scope="session")
async def postgres(servers: tuple[Postgres, Redis]) -> AsyncIterator[Postgres | Coordinator]:
    """The embedded server, or the cluster that CHAT_TEST_CITUS_URL names; its default database is migrated."""
    if citus.URL is None:
        await asyncio.to_thread(migrate_deploy, servers[0].url)
        yield servers[0]
    else:
        async with citus.cluster(citus.URL) as coordinator:
            yield coordinator


@pytest.fixture(scope="session")
def redis_server(servers: tuple[Postgres, Redis]) -> Redis:
    return servers[1]


@pytest.fixture(scope="session")
async def database(postgres: Postgres) -> AsyncIterator[asyncpg.Pool]:
    """A direct connection to the database."""
    async with asyncpg.create_pool(postgres.url, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture(scope="session")
async def redis(redis_server: Redis) -> AsyncIterator[RedisClient]:
    """A direct connection to Redis."""
    async with RedisClient.from_url(redis_server.url) as client:
        yield client


@pytest.fixture(scope="module")
async def redis_proxy(redis_server: Redis) -> AsyncIterator[Proxy]:
    """A proxy to Redis on which tests hold commands and responses."""
    async with Proxy(redis_server.port).running() as proxy:
        yield proxy


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
    # Shorter than in production, so that tests that wait for them are quick, but long enough for a busy machine.
    paces = {"cache_hold": 1, "sweep_interval": 0.2, "redis_timeout": 10, "lease_slack": 60, "lock_wait": 60}
    database = {"pool_timeout": 60, "connect_timeout": 30, "statement_timeout": 60, "query_timeout": 120}
    paces |= {f"database_{name}": seconds for name, seconds in database.items()}
    settings = settings.model_copy(update=paces)
    configure_logging(settings)
    return settings


@pytest.fixture
def informative(settings: Settings) -> Iterator[None]:
    """Log at level `info`."""
    configure_logging(settings.model_copy(update={"log_level": "info"}))
    yield
    configure_logging(settings)


@pytest.fixture(scope="session")
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with running(settings) as worker:
        yield worker


@pytest.fixture
async def trusted_link(settings: Settings) -> AsyncIterator[RedisLink]:
    """A separate link with a lease."""
    link = RedisLink(settings, Metrics())
    await link.ping()
    link.lease.restore(link.lease.losses)
    yield link
    await link.close()


@pytest.fixture(autouse=True)
def _empty(request: pytest.FixtureRequest) -> None:
    """Empty the stores for a test that can reach them; other tests start no server."""
    if "servers" in request.fixturenames:
        request.getfixturevalue("empty_stores")


@pytest.fixture
async def empty_stores(database: asyncpg.Pool, redis: RedisClient) -> AsyncIterator[None]:
    await database.execute(EMPTY)
    await redis.flushall()
    yield
    keys_without_ttl = [key async for key in redis.scan_iter() if await redis.ttl(key) == -1]
    assert keys_without_ttl == [], "every key has a TTL"


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
    """A caller without a token."""
    async with service.client(None) as client:
        yield Caller(client)


@pytest.fixture(scope="session")
async def service_url(service: Service) -> AsyncIterator[str]:
    """The same worker, on a socket."""
    async with on_a_socket(service) as url:
        yield url


@pytest.fixture
async def chats(service_url: str) -> AsyncIterator[ChatSessions]:
    """Ada's Python client."""
    async with ChatSessions(service_url, token("ada")) as chats:
        yield chats


@pytest.fixture(scope="module")
def settings_behind_proxy(settings: Settings, redis_server: Redis, redis_proxy: Proxy) -> Settings:
    """Settings of a worker whose Redis commands a test can hold."""
    url = url_through(redis_proxy, redis_server, settings.redis_url)
    return settings.model_copy(
        update={"redis_url": url, "redis_timeout": PATIENT_SECONDS, "lease_slack": PATIENT_SECONDS}
    )


@pytest.fixture(scope="module")
async def slow_service(settings_behind_proxy: Settings, service: Service) -> AsyncIterator[Service]:  # noqa: ARG001  migrated
    async with running(settings_behind_proxy) as worker:
        yield worker


@pytest.fixture
async def slow_ada(slow_service: Service) -> AsyncIterator[Caller]:
    """Ada on the slow worker, which trusts its cache whatever an earlier test did to its connection."""
    async with slow_service.client("ada") as client:
        await until(Caller(client).is_fully_ready)
        yield Caller(client)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A webhook receiver."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def routed_paths() -> Iterator[list[str]]:
    """The paths of the requests that FastAPI has routed."""
    paths: list[str] = []
    handle = APIRoute.handle

    async def noted(route: APIRoute, *args: object) -> None:
        paths.append(route.path)
        await handle(route, *args)  # type: ignore[arg-type]

    with patch.object(APIRoute, "handle", noted):
        yield paths
