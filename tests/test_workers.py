"""Several workers behind one port are independent, but do each piece of work once."""

import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import httpx
import psutil
import pytest
import uvicorn

from chat_sessions.settings import Settings
from chat_sessions.supervisor import Worker
from tests.listening import Listener, following
from tests.process import START_SECONDS, ServiceProcess, serving
from tests.service import new_id
from tests.shell import ENGINE, WORKER, children, kill_family
from tests.waiting import LIMIT_SECONDS, swept, until

WORKERS = 2
# New connections go to either worker: the chance that so many all go to one is one in a million.
MOST_CONNECTIONS = 20
SESSIONS = 30


class Workers:
    """The processes behind `serve --workers`."""

    def __init__(self, service: ServiceProcess) -> None:
        self.service = service

    def serving(self) -> list[psutil.Process]:
        return children(WORKER, self.service.process.pid)

    def engines(self) -> list[list[psutil.Process]]:
        """Return the query engines of each worker."""
        return [children(ENGINE, worker.pid) for worker in self.serving()]

    def connected(self) -> list[int]:
        """Return the number of client connections of each worker."""
        port = int(self.service.url.rpartition(":")[2])
        return [
            sum(each.status == "ESTABLISHED" and each.laddr.port == port for each in worker.net_connections("tcp"))
            for worker in self.serving()
        ]

    async def are_complete(self) -> bool:
        try:
            return [len(each) for each in self.engines()] == [1] * WORKERS
        except psutil.NoSuchProcess:
            return False

    async def are_ready(self) -> bool:
        """Return whether connections to each worker find it ready."""
        try:
            async with AsyncExitStack() as stack:
                for _ in range(MOST_CONNECTIONS):
                    caller = await stack.enter_async_context(self.service.caller())
                    if not await caller.is_fully_ready():
                        return False
                    if all(self.connected()):
                        return True
        except (httpx.TransportError, psutil.NoSuchProcess):
            pass
        return False


@pytest.fixture(scope="module")
async def workers(settings: Settings) -> AsyncIterator[Workers]:
    # All of a user's streams may reach the same worker.
    many = settings.model_copy(update={"feed_streams_per_user": MOST_CONNECTIONS})
    async with serving(many, workers=WORKERS) as service:
        try:
            workers = Workers(service)
            await until(workers.are_complete, START_SECONDS)
            await until(workers.are_ready, START_SECONDS)
            yield workers
        finally:
            # Killing only the supervisor would leave its workers.
            kill_family(service.process.pid)


@pytest.fixture
async def streams(workers: Workers) -> AsyncIterator[list[Listener]]:
    """Ada's event streams, at least one on each worker."""
    async with AsyncExitStack() as stack:
        listeners: list[Listener] = []
        while not all(workers.connected()) or not listeners:
            assert len(listeners) < MOST_CONNECTIONS
            listeners.append(await stack.enter_async_context(following(workers.service.url)))
        yield listeners


async def test_each_worker_has_its_own_engine(workers: Workers) -> None:
    engines = [engine.pid for of_worker in workers.engines() for engine in of_worker]
    assert len(set(engines)) == WORKERS


async def test_the_feed_reaches_the_streams_of_every_worker(workers: Workers, streams: list[Listener]) -> None:
    async with workers.service.caller() as ada:
        session_id = (await ada.create("Lisbon"))["id"]
    received = [await each.next() for each in streams]
    assert [each and each.data["id"] for each in received] == [session_id] * len(streams)


async def test_each_change_by_sql_is_published_once(streams: list[Listener], database: asyncpg.Pool) -> None:
    created = [new_id() for _ in range(SESSIONS)]
    await database.executemany(
        'INSERT INTO "ChatSession" ("id", "userId") VALUES ($1, $2)', [(each, "ada") for each in created]
    )
    last = new_id()
    await swept(database)
    await database.execute('INSERT INTO "ChatSession" ("id", "userId") VALUES ($1, $2)', last, "ada")
    received: Counter[str] = Counter()
    while not received[last]:
        event = await streams[0].next()
        assert event is not None
        received[event.data["id"]] += 1
    assert received == Counter([*created, last])


async def test_sighup_replaces_the_workers_one_by_one(workers: Workers) -> None:
    old = set(workers.serving())
    async with workers.service.caller() as ada:
        kept = (await ada.create("kept"))["id"]
    workers.service.process.send_signal(signal.SIGHUP)

    async def replaced() -> bool:
        assert len(workers.serving()) >= WORKERS
        return not old & set(workers.serving()) and await workers.are_complete()

    await until(replaced, START_SECONDS * WORKERS)
    await until(workers.are_ready, START_SECONDS)
    async with workers.service.caller() as ada:
        assert (await ada.get(kept)).status_code == 200


async def test_a_killed_worker_is_replaced_without_loss(workers: Workers) -> None:
    async with workers.service.caller() as ada:
        kept, deleted = (await ada.create("kept"))["id"], (await ada.create("deleted"))["id"]
        await ada.delete(deleted)
    killed = workers.serving()[0]
    killed.kill()

    async def replaced() -> bool:
        return killed not in workers.serving() and await workers.are_complete() and await workers.are_ready()

    await until(replaced, START_SECONDS)
    async with AsyncExitStack() as stack:
        for _ in range(WORKERS * 3):
            ada = await stack.enter_async_context(workers.service.caller())
            assert (await ada.get(kept)).status_code == 200
            assert (await ada.get(deleted)).status_code == 404
            assert await ada.titles() == ["kept"]


def test_the_death_of_a_worker_ends_its_health_check() -> None:
    worker = Worker(uvicorn.Config("chat_sessions.server:from_environment", log_config=None), [])
    worker.start()
    worker.process.kill()
    try:
        assert worker.parent_conn.poll(LIMIT_SECONDS), "the pipe has ended"
    finally:
        worker.kill()
        worker.join()
