"""The event feed: each of a user's pages gets all of that user's changes, and no others."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache import feed
from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.dev.embedded import Postgres, Redis
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from tests.listening import Listener, ServerSentEvent, following, heard_until_created, on_a_socket
from tests.logged import logged
from tests.process import serving
from tests.scrape import scrape
from tests.service import Caller, Service, running, token
from tests.waiting import LIMIT_SECONDS, swept, until
from tests.world import restored, world

EVENTS = "/api/chat/sessions/events"


@pytest.fixture(scope="module")
async def service(settings: Settings) -> AsyncIterator[Service]:
    """A worker that does not sweep: a sweeper that is quicker than the writer publishes the change as well.

    Its holds last until another worker sweeps, however late: what a hold remembers is not published again.
    """
    async with running(settings.model_copy(update={"cache_hold": LIMIT_SECONDS, "sweep_interval": 3600})) as worker:
        yield worker


@pytest.fixture(scope="module")
async def url(service: Service) -> AsyncIterator[str]:
    async with on_a_socket(service) as url:
        yield url


@pytest.fixture
async def listener(url: str) -> AsyncIterator[Listener]:
    """Ada's event stream."""
    async with following(url) as listener:
        yield listener


def event_of(received: ServerSentEvent | None) -> tuple[str, str]:
    assert received is not None, "the stream has ended"
    assert received.data["type"] == received.event
    return received.event, received.data["id"]


async def test_every_change_is_published_in_order(ada: Caller, listener: Listener) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    await ada.append(session_id, "hi", id="m1")
    await ada.replace(session_id, "m1", "hello")
    await ada.cut(session_id, 0)
    await ada.change(session_id, is_pinned=True)
    await ada.change(session_id, is_archived=True)
    await ada.delete(session_id)
    assert [event_of(await listener.next()) for _ in range(7)] == [
        ("session.created", session_id),
        *[("session.updated", session_id)] * 5,
        ("session.deleted", session_id),
    ]


async def test_a_change_on_another_worker_is_published(settings: Settings, listener: Listener) -> None:
    async with running(settings) as other, other.client("ada") as client:
        session_id = (await Caller(client).create("Lisbon"))["id"]
    assert event_of(await listener.next()) == ("session.created", session_id)


async def test_a_change_by_direct_sql_is_published(
    ada: Caller, settings: Settings, listener: Listener, database: asyncpg.Pool
) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    await listener.next()
    await database.execute('DELETE FROM "ChatSession"')
    async with running(settings):
        assert event_of(await listener.next()) == ("session.deleted", session_id)


async def test_each_change_is_published_once(
    ada: Caller, settings: Settings, listener: Listener, database: asyncpg.Pool
) -> None:
    await ada.create("Lisbon")
    async with running(settings):
        await swept(database)
    last = (await ada.create("Porto"))["id"]
    await listener.next()
    assert event_of(await listener.next()) == ("session.created", last)


async def test_other_users_changes_are_not_published(ada: Caller, bob: Caller, listener: Listener) -> None:
    await bob.create("Bob's")
    session_id = (await ada.create("Ada's"))["id"]
    assert event_of(await listener.next()) == ("session.created", session_id)


async def test_a_stream_resumes_after_the_last_seen_event(ada: Caller, url: str) -> None:
    async with following(url) as first:
        await ada.create("seen")
        seen = await first.next()
    assert seen is not None
    missed = [(await ada.create(f"missed {number}"))["id"] for number in range(3)]
    async with following(url, last_event_id=seen.id) as again:
        assert [event_of(await again.next()) for _ in missed] == [("session.created", each) for each in missed]


@pytest.mark.parametrize(
    "unknown", ["1-1", "9999999999999-0", "0", "none", "x" * 200, "1-1 2-2", "(1-1", "1-1@", "1-1@0"]
)
async def test_an_unknown_last_event_id_means_reset(url: str, unknown: str) -> None:
    async with following(url, last_event_id=unknown) as listener:
        received = await listener.next()
    assert received is not None
    assert (received.event, received.data) == ("reset", {"type": "reset", "id": None})


async def test_events_follow_a_reset(ada: Caller, url: str) -> None:
    async with following(url, last_event_id="1-1") as listener:
        await listener.next()
        session_id = (await ada.create("Lisbon"))["id"]
        assert event_of(await listener.next()) == ("session.created", session_id)


async def test_more_events_than_one_read_takes_all_arrive(ada: Caller, url: str) -> None:
    async with following(url) as first:
        await ada.create("seen")
        seen = await first.next()
    assert seen is not None
    created = {each["id"] for each in await asyncio.gather(*(ada.create(str(number)) for number in range(120)))}
    async with following(url, last_event_id=seen.id) as again:
        received = set[str]()
        while not received >= created:
            received.add(event_of(await again.next())[1])


async def test_an_idle_stream_sends_heartbeats(settings: Settings) -> None:
    async with (
        running(settings.model_copy(update={"feed_heartbeat": 0.05})) as worker,
        on_a_socket(worker) as url,
        following(url) as listener,
    ):
        received = await listener.next(comments=True)
    assert received is not None
    assert received.event == "alive"


async def test_the_setting_is_the_only_heartbeat(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.001)
    async with (
        running(settings.model_copy(update={"feed_heartbeat": 3600})) as worker,
        on_a_socket(worker) as url,
        following(url) as listener,
        worker.client("ada") as client,
    ):
        session_id = (await Caller(client).create("Lisbon"))["id"]
        assert event_of(await listener.next(comments=True)) == ("session.created", session_id)


async def test_proxies_neither_buffer_nor_compress_a_stream(url: str) -> None:
    headers = {"Authorization": f"Bearer {token()}"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client, client.stream("GET", EVENTS) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"


async def test_a_client_that_closes_its_stream_is_not_an_error(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(settings) as worker, on_a_socket(worker) as url, worker.client("ada") as client:
        ada = Caller(client)
        async with following(url):
            await asyncio.gather(*(ada.create(str(number)) for number in range(20)))

        async def closed() -> bool:
            return (await scrape(ada)).sum("chat_feed_streams") == 0

        await until(closed)
    assert "request.failed" not in caplog.text


async def test_a_stream_ends_with_its_token(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    expiry = int(time.time()) + 3600
    async with (
        running(settings.model_copy(update={"feed_heartbeat": 0.05})) as worker,
        on_a_socket(worker) as url,
        following(url, expires_at=expiry) as listener,
    ):
        monkeypatch.setattr(feed, "time", lambda: expiry + settings.jwt_leeway - 1)
        assert await listener.next(comments=True) is not None
        monkeypatch.setattr(feed, "time", lambda: expiry + settings.jwt_leeway)
        assert await listener.next() is None


async def test_the_number_of_open_streams_is_limited(settings: Settings) -> None:
    async with (
        running(settings.model_copy(update={"feed_streams_per_user": 2})) as worker,
        on_a_socket(worker) as url,
        httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token()}"}) as client,
    ):
        async with following(url), following(url):
            refused = await client.get(EVENTS)
            async with following(url, "bob"):
                pass
        async with following(url):
            pass
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert "retry-after" in refused.headers


async def test_a_stream_needs_a_token(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get(EVENTS)).status_code == 401


async def test_many_streams_share_one_subscription(url: str, redis: RedisClient) -> None:
    async def subscribers() -> int:
        return sum(1 for each in await redis.client_list() if int(each["sub"]) > 0)

    before = await subscribers()
    async with following(url), following(url), following(url, "bob"):
        assert await subscribers() == before


@pytest.mark.usefixtures("informative")
async def test_an_outage_of_redis_is_logged_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "RECONNECT_SECONDS", 0.01)
    with Redis(tmp_path, durable=False) as redis, logged("feed.") as lines:
        link = RedisLink(settings.model_copy(update={"redis_url": SecretStr(redis.url)}), Metrics())
        following_redis = asyncio.create_task(feed.Feed(link, settings, Metrics()).run())

        async def subscribed() -> bool:
            async with RedisClient.from_url(redis.url) as client:
                return bool(await client.pubsub_numsub(feed.KEPT_OPEN) == [(feed.KEPT_OPEN.encode(), 1)])

        await until(subscribed)
        redis.kill()
        await until(lambda: asyncio.sleep(0, bool(lines)))
        # Takes as long as several attempts.
        redis.start()
        await until(subscribed)
        following_redis.cancel()
        await asyncio.wait([following_redis])
        await link.close()
    assert [line["event"] for line in lines] == ["feed.interrupted"]


async def test_the_feed_survives_a_restart_of_redis(postgres: Postgres, settings: Settings) -> None:
    async with (
        world(postgres, settings) as deployment,
        on_a_socket(deployment.workers[0]) as url,
        following(url) as listener,
        deployment.callers("ada") as (_, also_ada),
    ):
        await heard_until_created(listener, also_ada)
        deployment.redis.restart(keep_data=False)
        await deployment.settled()
        assert "reset" in await heard_until_created(listener, also_ada)


async def test_a_client_that_reconnects_after_redis_lost_events_gets_a_reset(
    postgres: Postgres, settings: Settings
) -> None:
    async with (
        world(postgres, settings) as deployment,
        on_a_socket(deployment.workers[0]) as url,
        deployment.callers("ada") as (_, also_ada),
    ):
        async with following(url) as listener:
            await also_ada.create("seen")
            seen = await listener.next()
        assert seen is not None
        async with restored(deployment.redis):
            await also_ada.create("missed, and forgotten")
        await deployment.settled()
        async with following(url, last_event_id=seen.id) as again:
            received = await again.next()
        assert received is not None
        assert received.event == "reset"


async def test_shutdown_does_not_wait_for_streams(settings: Settings) -> None:
    async with serving(settings) as process, following(process.url) as listener:
        ended = asyncio.create_task(process.terminated())
        assert await listener.next() is None
        assert await ended in {0, -signal.SIGTERM}
