"""The service dies during a deletion: nothing is lost and nothing comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis as RedisClient

from chat_sessions.cache.keys import UserKeys
from chat_sessions.dev.embedded import Postgres, Redis
from chat_sessions.settings import Settings
from tests.caching import cached
from tests.process import serving
from tests.proxy import Gate, Proxy
from tests.service import Caller, running
from tests.waiting import until
from tests.webhook_receiver import WAIT_NO_LONGER, Receiver, configured, with_receiver
from tests.wire import DELETE_STATEMENT, script, url_through

ADA = UserKeys("ada")
# Longer than a test holds a command.
PATIENT_SECONDS = 30


@dataclass
class Proxies:
    """The proxies between a service process and its servers."""

    postgres: Proxy
    redis: Proxy
    settings: Settings

    def gate(self, step: str) -> Gate:
        """Hold a deletion at a step."""
        match step:
            case "before Postgres receives it":
                return self.postgres.hold(DELETE_STATEMENT)
            case "in a batch, before its commit" | "after the commit, before its response":
                return self.postgres.hold_response_to(DELETE_STATEMENT)
            case "before Redis receives the eviction":
                return self.redis.hold(script("evict"))
            case "after the eviction, before the response":
                return self.redis.hold_response_to(script("evict"))
        raise ValueError(step)


@pytest.fixture
async def proxies(
    postgres: Postgres, redis_server: Redis, settings: Settings, receiver: Receiver
) -> AsyncIterator[Proxies]:
    async with Proxy(postgres.port).running() as one, Proxy(redis_server.port).running() as other:
        changes = {
            "database_url": url_through(one, postgres, settings.database_url),
            "redis_url": url_through(other, redis_server, settings.redis_url),
            "lease_slack": PATIENT_SECONDS,
        }
        yield Proxies(one, other, with_receiver(settings, receiver, **changes))


async def deleted(caller: Caller, session_id: str, step: str) -> httpx.Response:
    """Delete a session, in a batch if the step is one of a batch."""
    if "batch" in step:
        return await caller.http.post("/api/chat/sessions/batch-delete", json={"ids": [session_id]})
    return await caller.delete(session_id)


async def cached_session(caller: Caller, redis: RedisClient) -> str:
    """Create a session and read it until it is cached."""
    session_id: str = (await caller.create("Lisbon", messages=[{"role": "user", "content": "hi"}]))["id"]
    await cached(redis, caller, [session_id])
    return session_id


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("before Postgres receives it", 200),
        ("in a batch, before its commit", 200),
        ("after the commit, before its response", 404),
        ("before Redis receives the eviction", 404),
        ("after the eviction, before the response", 404),
    ],
)
async def test_an_interrupted_deletion_happens_completely_or_not_at_all(
    proxies: Proxies, database: asyncpg.Pool, redis: RedisClient, receiver: Receiver, step: str, status: int
) -> None:
    async with serving(proxies.settings) as process, process.caller() as ada:
        await configured(database, receiver)
        session_id = await cached_session(ada, redis)
        gate = proxies.gate(step)
        deletion = asyncio.create_task(deleted(ada, session_id, step))
        await gate.reached_by(deletion)
        await process.killed()
        gate.cut()
        with suppress(httpx.TransportError):
            await deletion

    async with running(proxies.settings) as successor, successor.client() as client:
        ada = Caller(client)
        response = await ada.get(session_id)
        titles = await ada.titles()
        again = await ada.http.post("/api/chat/sessions", json={"id": session_id})
        messages = await database.fetchval('SELECT count(*) FROM "ChatMessage"')
        await database.execute(WAIT_NO_LONGER)
        # A user's deliveries are in order, so the first one has arrived as well.
        await ada.delete(other := (await ada.create("other"))["id"])
        await receiver.wait_for(other)
    assert receiver.ids() == ({other} if status == 200 else {session_id, other})
    assert response.status_code == status
    assert titles == (["Lisbon"] if status == 200 else [])
    assert again.status_code == (200 if status == 200 else 409)
    assert messages == (1 if status == 200 else 0)
    assert await redis.exists(ADA.lock(session_id)) == 0


async def test_another_worker_evicts_a_session_whose_deleting_worker_died(
    proxies: Proxies, ada: Caller, redis: RedisClient
) -> None:
    async with serving(proxies.settings) as process, process.caller() as dying:
        session_id = await cached_session(dying, redis)
        gate = proxies.gate("before Redis receives the eviction")
        deletion = asyncio.create_task(dying.delete(session_id))
        await gate.reached_by(deletion)
        await process.killed()
        gate.cut()
        with suppress(httpx.TransportError):
            await deletion

    async def is_gone() -> bool:
        return (await ada.get(session_id)).status_code == 404

    await until(is_gone)
