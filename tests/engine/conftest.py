"""The bridge on the shared Postgres, once per run; and a separate engine and server for tests that break them."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import asyncpg
import pytest

from chat_sessions.dev.embedded import Postgres
from chat_sessions.store.migrations import migrate_deploy
from chat_sessions.store.prisma.client import BridgedPrisma
from chat_sessions.store.prisma.options import EngineOptions
from tests.databases import migrated_database, url_of
from tests.engine.bridge import MakeDatabase, Statements
from tests.waiting import LIMIT_SECONDS


@pytest.fixture(scope="session")
def options(postgres: Postgres) -> EngineOptions:
    """Timeouts that no moment in which the machine stalls exceeds."""
    return EngineOptions(postgres.url, pool_timeout=30, connect_timeout=30, query_timeout=LIMIT_SECONDS)


@pytest.fixture(scope="session")
async def _bridge(options: EngineOptions) -> AsyncIterator[tuple[BridgedPrisma, Statements]]:
    statements = Statements()
    async with BridgedPrisma(options, on_statement=statements.append) as db:
        yield db, statements


@pytest.fixture
def db(_bridge: tuple[BridgedPrisma, Statements]) -> BridgedPrisma:
    return _bridge[0]


@pytest.fixture
def statements(_bridge: tuple[BridgedPrisma, Statements]) -> Statements:
    """The SQL of this test so far; clear it to start counting."""
    _bridge[1].clear()
    return _bridge[1]


@pytest.fixture
async def fragile(options: EngineOptions) -> AsyncIterator[BridgedPrisma]:
    """An engine for this test alone, with a small pool."""
    async with BridgedPrisma(replace(options, pool_size=4)) as db:
        yield db


@pytest.fixture(scope="module")
def shaky_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that tests may stop."""
    with Postgres(tmp_path_factory.mktemp("shaky"), durable=False) as server:
        migrate_deploy(server.url)
        yield server


@pytest.fixture
async def make_database(postgres: Postgres, database: asyncpg.Pool) -> AsyncIterator[MakeDatabase]:
    """Creates databases for this test on the shared server."""
    made = []

    async def make(name: str, *, migrated: bool = False) -> str:
        made.append(name)
        if migrated:
            return await migrated_database(postgres, name)
        await database.execute(f'CREATE DATABASE "{name}"')
        return url_of(postgres, name)

    yield make
    for name in made:
        await database.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
