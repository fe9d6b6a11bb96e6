"""The rate limit per user is shared by all workers and paths, and an outage of Redis fails no request."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus

import httpx
import pytest
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.rate_limit import RateLimit
from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.dev.embedded import Postgres
from chat_sessions.errors import TooManyRequests
from chat_sessions.operator import workbench
from chat_sessions.settings import Settings
from chat_sessions.telemetry.logs import configure_logging
from chat_sessions.telemetry.metrics import Metrics
from tests.scrape import scrape
from tests.service import Caller, Service, new_id, running
from tests.waiting import until
from tests.world import PATIENT, World, world

PATH = "/api/chat/sessions"
BURST = 4


def limits(per_minute: int, burst: int) -> dict[str, int]:
    return {"rate_limit": per_minute, "rate_burst": burst}


@pytest.fixture(scope="module")
async def strict(settings: Settings, service: Service) -> AsyncIterator[Service]:  # noqa: ARG001  migrated
    """A worker with a small burst and then one request a minute; it leaves sweeping to the other one."""
    async with running(settings.model_copy(update={"sweep_interval": 3600, **limits(1, BURST)})) as worker:
        yield worker


@pytest.fixture
async def ada(strict: Service) -> AsyncIterator[Caller]:
    async with strict.client("ada") as client:
        yield Caller(client)


@pytest.fixture
async def bob(strict: Service) -> AsyncIterator[Caller]:
    async with strict.client("bob") as client:
        yield Caller(client)


async def exhaust(caller: Caller) -> None:
    """Use up the user's burst."""
    assert await statuses(caller, BURST) == [200] * BURST


async def statuses(caller: Caller, times: int) -> list[int]:
    return [(await caller.page()).status_code for _ in range(times)]


async def every_call(caller: Caller, session_id: str) -> dict[str, httpx.Response]:
    body = {"messages": [{"role": "user", "content": "hi"}]}
    return {
        "list": await caller.page(),
        "search": await caller.page(q="Lisbon"),
        "wrong": await caller.page(limit=0),
        "create": await caller.http.post(PATH, json={}),
        "get": await caller.get(session_id),
        "change": await caller.change(session_id, title="Porto"),
        "append": await caller.http.post(f"{PATH}/{session_id}/messages", json=body),
        "batch": await caller.http.post(f"{PATH}/batch-delete", json={"ids": [session_id]}),
        "delete": await caller.delete(session_id),
        "events": await caller.http.get(f"{PATH}/events"),
    }


async def test_beyond_the_limit_a_request_is_429_with_retry_after(ada: Caller) -> None:
    assert await statuses(ada, BURST) == [200] * BURST
    refused = await ada.page()
    assert refused.status_code == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:chat-sessions:too-many-requests"
    # A minute less the test's time so far, in whole seconds rounded up.
    assert 30 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.json()["detail"] == f"Rate limit exceeded. Try again in {refused.headers['Retry-After']} s."


async def test_every_call_is_rejected_without_an_effect(service: Service, strict: Service, ada: Caller) -> None:
    async with service.client("ada") as unlimited:
        session_id = (await Caller(unlimited).create("Lisbon"))["id"]
        await exhaust(ada)
        statements = strict.record_statements()
        responses = await every_call(ada, session_id)
        assert {name: each.status_code for name, each in responses.items()} == dict.fromkeys(responses, 429)
        assert all(int(each.headers["Retry-After"]) >= 1 for each in responses.values())
        assert statements() == []
        assert (await unlimited.get(f"{PATH}/{session_id}")).json()["title"] == "Lisbon"


async def test_the_express_lane_rejects_before_it_queries_the_database(strict: Service, ada: Caller) -> None:
    # Repeated, so they take the express lane; not cached any more, or never.
    reads = [f"{PATH}?limit=21", f"{PATH}?limit=21&q=x", f"{PATH}/{new_id()}?limit=21"]
    for path in reads:
        await ada.http.get(path)
    await ada.page()
    statements = strict.record_statements()
    again = [f"{PATH}/{new_id()}?limit=21", *reads]
    assert [(await ada.http.get(path)).status_code for path in again] == [429] * 4
    assert statements() == []


async def test_one_users_requests_do_not_count_for_another(ada: Caller, bob: Caller) -> None:
    await exhaust(ada)
    assert (await bob.page()).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/config.json"])
async def test_calls_that_need_no_token_are_not_limited(path: str, ada: Caller) -> None:
    await exhaust(ada)
    assert (await ada.http.get(path)).status_code == 200


async def test_a_request_is_accepted_after_the_wait(settings: Settings) -> None:
    async with running(settings.model_copy(update=limits(60, 1))) as worker, worker.client("ada") as client:
        ada = Caller(client)
        responses = await asyncio.gather(*(ada.page() for _ in range(10)))
        assert 429 in {each.status_code for each in responses}
        await until(lambda: is_accepted(ada))


async def test_a_raised_limit_applies_at_once(settings: Settings, ada: Caller) -> None:
    await exhaust(ada)
    async with running(settings.model_copy(update=limits(600, 1))) as worker, worker.client("ada") as client:
        # Under the old limit it would take minutes.
        await until(lambda: is_accepted(Caller(client)))


async def is_accepted(caller: Caller) -> bool:
    return (await caller.page()).status_code == HTTPStatus.OK


async def test_rejections_are_counted_by_their_status(ada: Caller) -> None:
    async def rejected() -> float:
        return (await scrape(ada)).sum("chat_http_requests_total", method="GET", route=PATH, status="429")

    await exhaust(ada)
    before = await rejected()
    await statuses(ada, 3)
    assert await rejected() - before == 3


async def test_the_key_expires_when_the_burst_has_refilled(ada: Caller, redis: RedisClient) -> None:
    await exhaust(ada)
    assert 60 * (BURST - 1) < await redis.ttl("chat:{ada}:rate") <= 60 * BURST


async def test_erasing_a_user_erases_the_count(settings: Settings, ada: Caller, redis: RedisClient) -> None:
    await ada.page()
    assert await redis.exists("chat:{ada}:rate") == 1
    async with workbench.opened(settings.model_copy(update={"cache_hold": 0.05})) as bench:
        assert (await bench.eraser.erase("ada")).complete
    configure_logging(settings)
    assert [key async for key in redis.scan_iter("chat:{ada}:*")] == []


@pytest.fixture(scope="module")
async def deployment(postgres: Postgres, settings: Settings) -> AsyncIterator[World]:
    async with world(postgres, settings, **limits(1, BURST), **PATIENT) as deployment:
        yield deployment


@pytest.fixture
async def callers(deployment: World) -> AsyncIterator[Sequence[Caller]]:
    await deployment.emptied()
    async with deployment.callers("ada") as both:
        yield both
    await deployment.settled()


async def test_all_workers_share_the_count(callers: Sequence[Caller]) -> None:
    for number in range(BURST):
        assert (await callers[number % 2].page()).status_code == 200
    assert [(await caller.page()).status_code for caller in callers] == [429, 429]


async def test_without_redis_no_request_is_rejected_and_each_is_counted(
    deployment: World, callers: Sequence[Caller]
) -> None:
    deployment.redis.kill()
    responses = [await statuses(caller, BURST * 2) for caller in callers]
    unlimited = [(await scrape(caller)).sum("chat_unlimited_requests_total") for caller in callers]
    deployment.redis.start()
    assert responses == [[200] * BURST * 2] * 2
    # Requests are also accepted while a worker has not yet read the outbox.
    assert min(unlimited) >= BURST * 2


@pytest.mark.parametrize(("microseconds", "seconds"), [(1, 1), (1_000_000, 1), (1_000_001, 2)])
async def test_retry_after_is_rounded_up(
    microseconds: int, seconds: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(*_: object) -> int:
        return microseconds

    link = RedisLink(settings, Metrics())
    await link.ping()
    link.lease.restore(link.lease.losses)
    monkeypatch.setattr(link, "run", run)
    try:
        with pytest.raises(TooManyRequests) as refused:
            await RateLimit(link, settings.model_copy(update=limits(1, BURST)), Metrics()).admit("ada")
    finally:
        await link.close()
    assert refused.value.retry_after == seconds
