"""Waiting for a condition, with a limit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat
from time import monotonic

import asyncpg

from tests.databases import on_each_node

# Far longer than anything takes, even on a slow and busy machine.
LIMIT_SECONDS = 60.0
# Redis' timeout for a worker whose commands a test holds.
PATIENT_SECONDS = 10
# Back off: a slow operation needs the processor more than the poll does.
POLL_SECONDS = (0.001, 0.002, 0.004, 0.008, 0.016)
SLOWEST_POLL_SECONDS = 0.03

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


async def until(condition: Callable[[], Awaitable[bool]], limit: float = LIMIT_SECONDS) -> None:
    """Return when the condition holds; fail if it does not within `limit` seconds."""
    deadline, pauses = monotonic() + limit, _pauses()
    while not await condition():
        assert monotonic() < deadline, f"not so after {limit} s"
        await asyncio.sleep(next(pauses))


async def until_none(left: Callable[[], Awaitable[Collection[object]]], limit: float = LIMIT_SECONDS) -> None:
    """Return when nothing is left; fail with the rest after `limit` seconds."""
    deadline, pauses = monotonic() + limit, _pauses()
    while found := await left():
        assert monotonic() < deadline, f"left after {limit} s: {found}"
        await asyncio.sleep(next(pauses))


def _pauses() -> Iterator[float]:
    return chain(POLL_SECONDS, repeat(SLOWEST_POLL_SECONDS))


async def swept(database: asyncpg.Pool | asyncpg.Connection, limit: float = LIMIT_SECONDS) -> None:
    """Return when the outbox is empty."""
    await until_none(lambda: notes(database), limit)


async def notes(database: asyncpg.Pool | asyncpg.Connection) -> list[str]:
    """Return the rows of the outbox."""
    return [str(row) for row in await database.fetch('SELECT * FROM "Outbox"')]


async def a_statement_waits(database: asyncpg.Pool) -> bool:
    """Return whether a statement waits for a lock."""
    return await waiting_statements(database) > 0


async def waiting_statements(database: asyncpg.Pool) -> int:
    """Return how many statements wait for a lock."""
    return sum(map(int, await on_each_node(database, WAITING)))


@asynccontextmanager
async def deletion_under_way(database: asyncpg.Pool, session_id: str) -> AsyncIterator[None]:
    """Run the block while a transaction has deleted the session but not committed."""
    async with database.acquire() as connection, connection.transaction():
        await connection.execute('DELETE FROM "ChatSession" WHERE "id" = $1', session_id)
        yield
