"""Trust in the cache is a lease: it expires unless renewed, and one late response does not end it."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis import lease as lease_module
from chat_sessions.cache.redis import link
from chat_sessions.cache.redis.lease import Lease
from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.dev.embedded import Postgres, Redis
from chat_sessions.settings import ConfigurationError, Settings, load_settings
from chat_sessions.sweeper import PINGS_PER_INTERVAL
from chat_sessions.telemetry.metrics import Metrics
from tests.caching import cached, quiet
from tests.command import environment
from tests.process import ServiceProcess, serving
from tests.proxy import Proxy
from tests.scrape import scrape
from tests.service import Caller, Service, running
from tests.shell import family
from tests.waiting import LIMIT_SECONDS
from tests.wire import script, url_through
from tests.world import World, world

ADA = UserKeys("ada")
SESSIONS = 5
TIMEOUT = 0.25
# Longer than a busy machine keeps Redis from responding.
LONG_TIMEOUT = 2.0


class TestLease:
    """The lease alone, on a clock that the test moves."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        now = [1000.0]
        for module in (link, lease_module):
            monkeypatch.setattr(module, "monotonic", lambda: now[0])
        return now

    @pytest.fixture
    async def lease(self, settings: Settings, clock: list[float]) -> AsyncIterator[Lease]:  # noqa: ARG002  frozen
        link = RedisLink(settings, Metrics())
        await link.ping()
        link.lease.restore(link.lease.losses)
        yield link.lease
        await link.close()

    async def test_it_expires_without_a_timely_response_to_a_ping(self, lease: Lease, clock: list[float]) -> None:
        clock[0] += lease.duration - 0.001
        assert lease.valid
        clock[0] += 0.002
        assert not lease.valid

    async def test_a_ping_after_its_expiry_does_not_renew_it(self, lease: Lease, clock: list[float]) -> None:
        clock[0] += lease.duration + 0.001
        lease.prove(clock[0])
        assert not lease.valid

    async def test_a_response_that_waited_in_the_socket_does_not_renew_it(
        self, lease: Lease, clock: list[float]
    ) -> None:
        sent_at = clock[0]
        clock[0] += lease.duration - 0.001
        lease.prove(sent_at)
        clock[0] += 0.002
        assert not lease.valid

    async def test_it_starts_again_after_a_complete_sweep(self, lease: Lease, clock: list[float]) -> None:
        before = lease.losses
        clock[0] += lease.duration + 0.001
        assert not lease.valid
        lease.prove(clock[0])
        lease.restore(before)
        assert not lease.valid
        lease.restore(lease.losses)
        assert lease.valid


@pytest.mark.parametrize("name", ["cache_hold", "sweep_interval", "lease_slack"])
def test_no_environment_variable_makes_a_worker_differ_from_the_others(
    name: str, operator_environment: pytest.MonkeyPatch
) -> None:
    usual = getattr(load_settings(), name)
    operator_environment.setenv(f"CHAT_{name.upper()}", "3600")
    assert getattr(load_settings(), name) == usual


def test_two_of_the_slowest_pings_fit_in_a_lease(operator_environment: pytest.MonkeyPatch) -> None:
    operator_environment.setenv("CHAT_REDIS_TIMEOUT", "0.5")
    slowest = load_settings()
    pause = slowest.sweep_interval / PINGS_PER_INTERVAL
    assert 2 * slowest.redis_timeout + pause < Lease(slowest, Metrics()).duration
    operator_environment.setenv("CHAT_REDIS_TIMEOUT", "0.51")
    with pytest.raises(ConfigurationError, match="CHAT_REDIS_TIMEOUT"):
        load_settings()


@pytest.fixture
def operator_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture(scope="module")
async def deployment(postgres: Postgres, settings: Settings) -> AsyncIterator[World]:
    """Its two workers sweep once and leave the notes to the test's workers."""
    async with world(postgres, settings, sweep_interval=3600) as deployment:
        deployment.settings = deployment.settings.model_copy(update={"sweep_interval": 0.5, "redis_timeout": TIMEOUT})
        yield deployment


@pytest.fixture(scope="module")
async def third(deployment: World) -> AsyncIterator[ServiceProcess]:
    """A worker that can be paused."""
    async with serving(deployment.settings) as process:
        yield process


@contextmanager
def paused(process: ServiceProcess) -> Iterator[None]:
    members = list(family(process.process.pid))
    for each in members:
        each.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for each in reversed(members):
            each.send_signal(signal.SIGCONT)


async def test_a_paused_worker_serves_nothing_deleted_meanwhile_by_a_worker_without_redis(
    deployment: World, third: ServiceProcess
) -> None:
    await deployment.emptied()
    async with Proxy(deployment.redis.port).running() as proxy:
        url = url_through(proxy, deployment.redis, deployment.settings.redis_url)
        async with (
            running(deployment.settings.model_copy(update={"redis_url": url})) as cut_off,
            cut_off.client("ada") as client,
            third.caller("ada") as late,
        ):
            ada = Caller(client)
            ids = [(await ada.create("Lisbon"))["id"] for _ in range(SESSIONS)]
            async with deployment.redis_client() as redis:
                await quiet(deployment.database, redis)
                await cached(redis, late, ids)
            gate = proxy.hold(b"")
            with paused(third):
                responses = await asyncio.gather(*map(ada.delete, ids))
                waiting = [asyncio.create_task(late.get(each)) for each in ids]
                done, _ = await asyncio.wait(waiting, timeout=0.1)
            assert done == set()
            assert {each.status_code for each in responses} == {204}
            assert {each.status_code for each in await asyncio.gather(*waiting)} == {404}
            gate.cut()


@pytest.fixture(scope="module")
async def service_behind_proxy(
    settings: Settings, redis_server: Redis, redis_proxy: Proxy, service: Service
) -> AsyncIterator[Service]:
    del service
    url = url_through(redis_proxy, redis_server, settings.redis_url)
    async with running(
        settings.model_copy(update={"redis_url": url, "sweep_interval": 10, "redis_timeout": LONG_TIMEOUT})
    ) as worker:
        yield worker


async def test_one_late_response_is_a_miss_and_does_not_end_the_lease(
    service_behind_proxy: Service, redis_proxy: Proxy
) -> None:
    async with service_behind_proxy.client("ada") as client:
        ada = Caller(client)
        session_id = (await ada.create("Lisbon"))["id"]
        failures = await failures_of(ada)
        async with redis_proxy.hold_response_to(script("read")):
            assert (await ada.get(session_id)).status_code == 200
        assert await failures_of(ada) == failures + 1
        assert await ada.is_fully_ready()


async def failures_of(caller: Caller) -> float:
    return (await scrape(caller)).sum("chat_redis_failures_total")


async def test_scripts_leave_connections_to_the_pings_and_queue(
    settings: Settings, redis_server: Redis, redis_proxy: Proxy
) -> None:
    url = url_through(redis_proxy, redis_server, settings.redis_url)
    changes = {"redis_url": url, "redis_pool_size": 8}
    async with (
        linked(settings.model_copy(update=changes)) as link,
        redis_proxy.hold_response_to(script("last")) as gate,
    ):
        await link.ping()
        calls = []
        for _ in range(20):
            calls.append(asyncio.create_task(link.run("last", [ADA.events], [])))
            await asyncio.wait(calls, timeout=0.01)
        await gate.reached_by(calls[0])
        await asyncio.wait_for(link.ping(), LIMIT_SECONDS)
        assert not any(each.done() for each in calls)
        gate.released.set()
        assert [last for last, _ in await asyncio.gather(*calls)] == [b"0-0"] * 20
        assert link.lease.losses == 0


@asynccontextmanager
async def linked(settings: Settings, metrics: Metrics | None = None) -> AsyncIterator[RedisLink]:
    opened = RedisLink(settings, metrics or Metrics())
    try:
        yield opened
    finally:
        await opened.close()


async def sent_to_a_paused_redis(link: RedisLink, redis: RedisClient) -> asyncio.Task[Any]:
    """Return a call that waits for a response; on a busy machine a pause may be over before the call is sent."""
    while True:
        await redis.client_pause(100)
        call = asyncio.create_task(link.run("last", [ADA.events], []))
        for _ in range(10):
            await asyncio.sleep(0)
        if not call.done():
            return call


async def test_a_blocked_event_loop_is_not_mistaken_for_a_silent_redis(settings: Settings, redis: RedisClient) -> None:
    metrics = Metrics()
    async with linked(settings.model_copy(update={"redis_timeout": LONG_TIMEOUT}), metrics) as link:
        await link.ping()
        await link.run("last", [ADA.events], [])
        call = await sent_to_a_paused_redis(link, redis)
        # A large body or a burst of requests blocks the loop like this.
        time.sleep(1.5 * LONG_TIMEOUT)  # noqa: ASYNC251  on purpose
        assert (await call)[0] == b"0-0"
        assert metrics.registry.get_sample_value("chat_redis_failures_total") == 0
