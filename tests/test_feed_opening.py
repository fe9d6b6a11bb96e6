"""A stream that opens says for how long nothing had changed, so that a page need not read twice what it shows."""

from collections.abc import AsyncIterator
from time import monotonic

import httpx
import pytest

from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from tests.listening import Listener, ServerSentEvent, following, on_a_socket
from tests.service import Caller, token
from tests.waiting import until
from tests.world import World, world


@pytest.fixture
async def deployment(postgres: Postgres, settings: Settings) -> AsyncIterator[World]:
    async with world(postgres, settings) as deployment:
        yield deployment


async def first_of_a_stream(url: str, **headers: str) -> ServerSentEvent:
    """Open Ada's stream, and return the first event or comment."""
    headers["Authorization"] = f"Bearer {token()}"
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
        client.stream("GET", "/api/chat/sessions/events") as response,
    ):
        first = await Listener(response.aiter_lines()).next(comments=True)
    assert first is not None, "the stream has ended"
    return first


async def opened(url: str) -> ServerSentEvent:
    """Open Ada's stream until Redis responds in time, which a busy machine may prevent."""
    found: list[ServerSentEvent] = []

    async def is_opened() -> bool:
        found.append(await first_of_a_stream(url))
        return found[-1].event == "opened"

    await until(is_opened)
    return found[-1]


def milliseconds_since(began: float) -> float:
    return (monotonic() - began) * 1000


async def test_the_quiet_began_after_the_last_change(ada: Caller, service_url: str) -> None:
    began = monotonic()
    await ada.create()
    first = await opened(service_url)
    assert first.data == {"type": "opened", "id": None, "quiet_ms": first.data["quiet_ms"]}
    assert 0 <= first.data["quiet_ms"] <= milliseconds_since(began)


@pytest.mark.parametrize("has_changed", [True, False], ids=["after a change", "without any"])
async def test_the_quiet_grows(ada: Caller, service_url: str, has_changed: bool) -> None:
    if has_changed:
        await ada.create()

    async def has_been_quiet() -> bool:
        return int((await opened(service_url)).data["quiet_ms"]) > 100

    await until(has_been_quiet)


async def test_the_stream_resumes_from_where_it_opened(ada: Caller, service_url: str) -> None:
    async def resumed() -> bool:
        position = (await opened(service_url)).id
        missed = await ada.create()
        async with following(service_url, last_event_id=position) as again:
            received = await again.next()
        assert received is not None
        return received.data == {"type": "session.created", "id": missed["id"]}

    # While Redis is slow, it may be a reset.
    await until(resumed)


async def test_a_stream_that_resumes_does_not_say_that_it_opens(service_url: str) -> None:
    position = (await opened(service_url)).id
    assert position is not None
    assert (await first_of_a_stream(service_url, **{"Last-Event-ID": position})).event == "alive"


async def test_the_quiet_is_no_longer_than_this_redis_runs(deployment: World) -> None:
    async with on_a_socket(deployment.workers[0]) as url:
        restarted = monotonic()
        deployment.redis.restart(keep_data=False)
        await deployment.settled()
        assert (await opened(url)).data["quiet_ms"] <= milliseconds_since(restarted)


async def test_without_redis_the_stream_does_not_say_that_it_opens(deployment: World) -> None:
    async with on_a_socket(deployment.workers[0]) as url:
        deployment.redis.kill()
        assert (await first_of_a_stream(url)).event == "alive"
