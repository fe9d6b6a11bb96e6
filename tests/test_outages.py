"""Without Postgres or the query engine calls return 503, nothing is half-done, and the service recovers."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from tests.databases import LOCK_SESSION
from tests.scrape import scrape
from tests.service import Caller
from tests.shell import ENGINE, children
from tests.waiting import until, waiting_statements
from tests.world import World, world

CALLS = 5


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A Postgres that nothing else uses."""
    with (
        tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder,
        Postgres(Path(folder), durable=False) as server,
    ):
        yield server


@pytest.fixture(scope="module")
async def deployment(own_postgres: Postgres, settings: Settings) -> AsyncIterator[World]:
    async with world(own_postgres, settings) as deployment:
        yield deployment


@pytest.fixture
async def ada(deployment: World) -> AsyncIterator[Caller]:
    async with deployment.callers("ada") as (caller, _):
        await until(caller.is_fully_ready)
        yield caller


@asynccontextmanager
async def in_flight(deployment: World, caller: Caller, session_id: str) -> AsyncIterator[list[httpx.Response]]:
    """Run the block while calls wait in Postgres; afterwards their responses are in the list."""
    responses: list[httpx.Response] = []

    async def all_wait() -> bool:
        return await waiting_statements(deployment.database) == CALLS

    async with deployment.database.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_SESSION, session_id)
        calls = [asyncio.ensure_future(caller.change(session_id, title=f"Title {each}")) for each in range(CALLS)]
        await until(all_wait)
        yield responses
        responses.extend(await asyncio.gather(*calls))


def kill_engines() -> None:
    for engine in children(ENGINE):
        engine.kill()


async def test_only_calls_in_flight_fail_when_the_engine_is_killed(deployment: World, ada: Caller) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    async with in_flight(deployment, ada, session_id) as failed:
        kill_engines()
    afterwards = await asyncio.gather(*(ada.get(session_id, limit=limit) for limit in range(1, 20)))
    assert [response.status_code for response in failed] == [503] * CALLS
    assert {response.status_code for response in afterwards} == {200}


async def test_a_lost_engine_is_a_problem_with_retry_after(deployment: World, ada: Caller) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    async with in_flight(deployment, ada, session_id) as failed:
        kill_engines()
    assert {each.json()["type"] for each in failed} == {"urn:chat-sessions:database-unavailable"}
    assert {each.headers["content-type"] for each in failed} == {"application/problem+json"}
    assert {each.headers["retry-after"] for each in failed} == {"1"}


async def test_a_killed_engine_is_counted(ada: Caller) -> None:
    async def restarts() -> float:
        return (await scrape(ada)).sum("chat_engine_restarts_total")

    before = await restarts()
    kill_engines()

    async def counted() -> bool:
        await ada.page(q="x")
        return await restarts() == before + 1

    await until(counted)


async def test_without_postgres_every_call_is_503_and_never_404(ada: Caller, own_postgres: Postgres) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    own_postgres.stop()
    try:
        responses = await asyncio.gather(
            ada.http.get("/api/chat/sessions", params={"q": "x"}),
            ada.get(session_id, before_sequence=7),
            ada.http.post("/api/chat/sessions", json={}),
            ada.append(session_id, "hi"),
            ada.change(session_id, title="Porto"),
            ada.delete(session_id),
            ada.http.post("/api/chat/sessions/batch-delete", json={"filter": {"all": True}}),
            ada.http.get("/readyz"),
        )
        alive = await ada.http.get("/healthz")
    finally:
        own_postgres.start()
    assert [response.status_code for response in responses] == [503] * 8
    assert alive.status_code == 200
    await until(ada.is_fully_ready)
    assert (await ada.get(session_id)).json()["title"] == "Lisbon"
    assert (await ada.delete(session_id)).status_code == 204


async def test_postgres_can_restart_under_load(ada: Caller, own_postgres: Postgres) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    load = [asyncio.ensure_future(ada.append(session_id, str(number))) for number in range(100)]
    await asyncio.wait(load, return_when=asyncio.FIRST_COMPLETED)
    own_postgres.restart()
    statuses = [response.status_code for response in await asyncio.gather(*load)]
    await until(ada.is_fully_ready)
    messages = (await ada.get(session_id, limit=200)).json()["messages"]
    assert set(statuses) <= {201, 503, 409}
    assert len(messages) >= statuses.count(201)
    assert [each["sequence"] for each in messages] == list(range(len(messages)))
