"""Restarts without failed requests: a process becomes unready, drains, and then ends."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from time import monotonic

import httpx
import pytest

from chat_sessions.dev.embedded.machine import free_port
from chat_sessions.settings import Settings
from tests.balancer import Balancer
from tests.listening import following
from tests.process import START_SECONDS, ServiceProcess, serving
from tests.service import Caller, token
from tests.waiting import LIMIT_SECONDS, until

CALLERS = 4
# Longer than the machine stalls.
DRAIN_SECONDS = 3
ENDED_WELL = {0, -signal.SIGTERM}


@pytest.fixture
async def process(settings: Settings) -> AsyncIterator[ServiceProcess]:
    """A service that drains for longer than a test takes."""
    async with serving(settings.model_copy(update={"drain_seconds": LIMIT_SECONDS})) as started:
        yield started


def is_unready(caller: Caller) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return (await caller.http.get("/readyz")).status_code == 503

    return condition


async def test_a_terminating_process_is_unready_and_still_serves(process: ServiceProcess) -> None:
    async with process.caller() as ada:
        before = await ada.create("Lisbon")
        process.process.send_signal(signal.SIGTERM)
        await until(is_unready(ada))
        unready = await ada.http.get("/readyz")
        served = await ada.get(before["id"])
        alive = await ada.http.get("/healthz")
    assert unready.json()["type"] == "urn:chat-sessions:shutting-down"
    assert unready.headers["retry-after"] == "1"
    assert (served.status_code, alive.status_code) == (200, 200)


async def test_responses_close_their_connections_while_draining(process: ServiceProcess) -> None:
    async with process.caller() as ada:
        before = await ada.page()
        process.process.send_signal(signal.SIGTERM)
        await until(is_unready(ada))
        afterwards = [await ada.page(), await ada.get("unknown"), await ada.http.post("/nowhere")]
    assert "connection" not in before.headers
    assert [each.headers.get("connection") for each in afterwards] == ["close"] * 3


async def test_the_process_ends_after_the_drain_which_a_second_sigterm_does_not_shorten(settings: Settings) -> None:
    async with serving(settings.model_copy(update={"drain_seconds": DRAIN_SECONDS})) as process:
        began = monotonic()
        async with process.caller() as ada:
            process.process.send_signal(signal.SIGTERM)
            await until(is_unready(ada))
            process.process.send_signal(signal.SIGTERM)
        assert await process.process.wait() in ENDED_WELL
    assert monotonic() - began >= DRAIN_SECONDS


async def test_an_interrupt_ends_a_drain_at_once(process: ServiceProcess) -> None:
    async with process.caller() as ada:
        process.process.send_signal(signal.SIGTERM)
        await until(is_unready(ada))
        process.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.process.wait(), LIMIT_SECONDS / 2) is not None


async def test_a_stream_stays_open_until_the_drain_ends(process: ServiceProcess) -> None:
    async with process.caller() as ada, following(process.url) as listener:
        process.process.send_signal(signal.SIGTERM)
        await until(is_unready(ada))
        session_id = (await ada.create("Lisbon"))["id"]
        received = await listener.next()
        assert received is not None
        assert received.data["id"] == session_id
        process.process.send_signal(signal.SIGINT)
        assert await listener.next() is None


@asynccontextmanager
async def traffic(url: str) -> AsyncIterator[Counter[str]]:
    """Read and write continuously over kept-alive connections, and count the outcomes."""
    outcomes: Counter[str] = Counter()
    ended = asyncio.Event()

    async def call(user: str) -> None:
        headers = {"Authorization": f"Bearer {token(user)}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            ada = Caller(client)
            while not ended.is_set():
                try:
                    session_id = (await ada.create("Lisbon"))["id"]
                    responses = [await ada.page(), await ada.append(session_id, "hi"), await ada.delete(session_id)]
                    outcomes.update(str(each.status_code) for each in responses)
                except httpx.TransportError as error:
                    outcomes[type(error).__name__] += 1

    async with asyncio.TaskGroup() as callers:
        for number in range(CALLERS):
            callers.create_task(call(f"user-{number}"))
        yield outcomes
        ended.set()


async def roll(settings: Settings) -> Counter[str]:
    """Replace two processes one after the other under traffic, and return the outcomes."""
    ports = [free_port(), free_port(), free_port()]
    async with Balancer(ports).running() as balancer, AsyncExitStack() as stack:

        async def start(port: int) -> ServiceProcess:
            service = await stack.enter_async_context(serving(settings, port=port))
            await until(partial(balancer.sends_to, port), START_SECONDS)
            return service

        async def retire(service: ServiceProcess, port: int) -> None:
            service.process.send_signal(signal.SIGTERM)
            await until(partial(balancer.has_left, port), START_SECONDS)
            # No need to wait for the end of the drain.
            service.process.send_signal(signal.SIGINT)
            await service.process.wait()

        first, second = await asyncio.gather(start(ports[0]), start(ports[1]))
        async with traffic(balancer.url) as outcomes:
            await retire(first, ports[0])
            await start(ports[2])
            await retire(second, ports[1])
    return outcomes


async def test_a_rolling_restart_fails_no_request(settings: Settings) -> None:
    # Long enough for every client on a busy machine to leave before it ends.
    outcomes = await roll(settings.model_copy(update={"drain_seconds": LIMIT_SECONDS}))
    assert set(outcomes) == {"200", "201", "204"}
