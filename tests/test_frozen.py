"""A worker frozen in a transaction blocks the others only briefly."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from chat_sessions.dev.embedded import Postgres
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.store.outbox import Outbox
from chat_sessions.store.prisma.client import BridgedPrisma
from chat_sessions.store.prisma.options import EngineOptions
from tests.databases import migrated_database
from tests.engine.bridge import new_session
from tests.waiting import until

# Longer than the machine stalls.
IDLE_SECONDS = 2.0


@pytest.fixture
async def engines(postgres: Postgres) -> AsyncIterator[tuple[BridgedPrisma, BridgedPrisma]]:
    """The engines of two workers on one database, with one session and its note."""
    options = EngineOptions(await migrated_database(postgres))
    async with (
        BridgedPrisma(replace(options, idle_timeout=IDLE_SECONDS)) as one,
        BridgedPrisma(options) as other,
    ):
        await new_session(one, "a")
        yield one, other


@contextmanager
def frozen(prisma: BridgedPrisma) -> Iterator[None]:
    assert prisma.engine.pid
    os.kill(prisma.engine.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(prisma.engine.pid, signal.SIGCONT)


async def test_notes_locked_by_a_frozen_sweeper_are_swept_by_another(
    engines: tuple[BridgedPrisma, BridgedPrisma],
) -> None:
    one, other = engines
    taken: list[str] = []

    async def takes_the_note() -> bool:
        async with Outbox(other).take() as notes:
            taken.extend(note.session_id for note in notes)
        return bool(taken)

    with suppress(DatabaseUnavailable):
        async with Outbox(one).take() as notes:
            assert len(notes) == 1
            with frozen(one):
                await until(takes_the_note)
    assert taken == ["a"]


async def test_a_session_locked_by_a_frozen_worker_can_be_deleted(
    engines: tuple[BridgedPrisma, BridgedPrisma],
) -> None:
    one, other = engines
    deleted = 0
    with suppress(DatabaseUnavailable):
        async with one.tx() as transaction:
            await transaction.query_raw("""SELECT "id" FROM "ChatSession" WHERE "userId" = 'ada' FOR UPDATE""")
            with frozen(one):
                deleted = await other.chatsession.delete_many(where={"id": "a", "userId": "ada"})
    assert deleted == 1
