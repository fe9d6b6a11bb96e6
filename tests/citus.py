"""Databases on a Citus cluster, in place of the embedded Postgres: CHAT_TEST_CITUS_URL names its coordinator."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from chat_sessions.store.migrations import migrate_deploy

# Read before pytest_configure hides the CHAT_* variables.
URL = os.environ.get("CHAT_TEST_CITUS_URL")
WORKER = os.environ.get("CHAT_TEST_CITUS_WORKER")
WORKERS = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0 AND noderole = 'primary' ORDER BY nodeport"


@dataclass
class Coordinator:
    """A superuser's database on the coordinator, and the databases that this run created."""

    admin: str
    url: str = ""
    databases: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return urlsplit(self.admin).port or 5432

    async def migrated_database(self) -> str:
        """Create and migrate a database on every node, and return its URL on the coordinator."""
        name = await self.empty_database()
        url = named(self.admin, name)
        await asyncio.to_thread(migrate_deploy, url, citus=True)
        return url

    async def empty_database(self) -> str:
        """Create an empty database with the extension and its nodes, and return its name."""
        name = await self.plain_database()
        await self.extend(name)
        return name

    async def plain_database(self) -> str:
        """Create a database on every node, without the extension, and return its name."""
        name = f"test_{uuid4().hex[:8]}"
        self.databases.append(name)
        for url in [self.admin, *await self.workers()]:
            async with connected(url) as node:
                await node.execute(f'CREATE DATABASE "{name}"')
        return name

    async def extend(self, name: str) -> None:
        """Install the extension in a database, and register the nodes."""
        workers = await self.workers()
        for url in [self.admin, *workers]:
            async with connected(named(url, name)) as node:
                await node.execute("CREATE EXTENSION citus")
        async with connected(named(self.admin, name)) as coordinator:
            await coordinator.execute(
                "SELECT citus_set_coordinator_host($1, $2)", urlsplit(self.admin).hostname, self.port
            )
            for each in workers:
                address = urlsplit(each)
                await coordinator.execute("SELECT citus_add_node($1, $2)", address.hostname, address.port)

    async def workers(self) -> list[str]:
        """Return the workers' URLs."""
        async with connected(self.admin) as coordinator:
            nodes = await coordinator.fetch(WORKERS)
        login = urlsplit(self.admin).netloc.rpartition("@")[0]
        return [urlsplit(self.admin)._replace(netloc=f"{login}@{host}:{port}").geturl() for host, port in nodes]

    async def drop(self) -> None:
        """Drop the databases on every node."""
        for url in [self.admin, *await self.workers()]:
            async with connected(url) as node:
                for name in self.databases:
                    await node.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@asynccontextmanager
async def cluster(admin: str) -> AsyncIterator[Coordinator]:
    """Create a migrated database for the run, and drop all of its databases at the end."""
    coordinator = Coordinator(admin)
    try:
        coordinator.url = await coordinator.migrated_database()
        yield coordinator
    finally:
        await coordinator.drop()


def named(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
