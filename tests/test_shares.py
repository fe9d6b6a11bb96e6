"""No user can starve the others of database connections, however many calls they send."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from chat_sessions.settings import Settings
from tests.databases import on_each_node
from tests.service import Caller, Service, running
from tests.waiting import until

CALLS = 40
CONNECTIONS = 8
SHARE = 6
INSERT = """
INSERT INTO "ChatSession" ("id", "userId") SELECT n::text, 'ada' FROM generate_series(1, $1::int) AS n RETURNING "id"
"""
# On Citus, the table has the number of the shard in its name.
UPDATES_THAT_WAIT = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%UPDATE%"ChatSession%'
"""
WAIT_SECONDS = 1.0


@pytest.fixture(scope="module")
async def small(settings: Settings, service: Service) -> AsyncIterator[Service]:
    """A worker with few connections, which leaves sweeping to the other one."""
    del service
    changes = {"database_pool_size": CONNECTIONS, "sweep_interval": 3600}
    async with running(settings.model_copy(update=changes)) as worker:
        yield worker


@pytest.fixture(scope="module")
async def impatient(small: Service) -> AsyncIterator[Service]:
    """A similar worker, whose calls wait for at most a second."""
    async with running(small.settings.model_copy(update={"database_pool_timeout": WAIT_SECONDS})) as worker:
        yield worker


@asynccontextmanager
async def stuck(worker: Service, database: asyncpg.Pool) -> AsyncIterator[list[asyncio.Task[httpx.Response]]]:
    """Run the block while forty calls of one user have been sent, each of which would wait in Postgres."""
    async with worker.client("ada") as client:
        ada = Caller(client)
        ids = [row["id"] for row in await database.fetch(INSERT, CALLS)]
        async with database.acquire() as connection, connection.transaction():
            await connection.execute("""SELECT FROM "ChatSession" WHERE "userId" = 'ada' FOR UPDATE""")
            calls = [asyncio.create_task(ada.change(each, title="Lisbon")) for each in ids]
            await until(lambda: statements_wait(database, SHARE))
            yield calls
        await asyncio.gather(*calls)


async def statements_wait(database: asyncpg.Pool, number: int) -> bool:
    return sum(map(int, await on_each_node(database, UPDATES_THAT_WAIT))) == number


async def test_one_users_calls_leave_a_quarter_of_the_connections_to_the_others(
    small: Service, database: asyncpg.Pool
) -> None:
    async with small.client("bob") as client, stuck(small, database) as calls:
        bob = Caller(client)
        session_id = (await bob.create("Bob's"))["id"]
        responses = [await bob.append(session_id, "hi"), await bob.get(session_id), await bob.page(q="Bob")]
        assert [each.status_code for each in responses] == [201, 200, 200]
        assert await statements_wait(database, SHARE)
        assert len(calls) == CALLS


async def test_a_call_that_waits_too_long_for_its_user_gets_retry_after(
    impatient: Service, database: asyncpg.Pool
) -> None:
    async with stuck(impatient, database) as calls:
        await until(lambda: are_done(calls, CALLS - SHARE))
        refused = [each.result() for each in calls if each.done()]
        assert {(each.status_code, each.headers["Retry-After"]) for each in refused} == {(429, "1")}
        assert len(refused) == CALLS - SHARE


async def are_done(calls: Sequence[asyncio.Task[httpx.Response]], number: int) -> bool:
    return sum(each.done() for each in calls) == number


async def test_a_waiting_call_gets_its_turn(small: Service, database: asyncpg.Pool) -> None:
    async with stuck(small, database) as calls:
        pass
    assert {(await each).status_code for each in calls} == {200}
