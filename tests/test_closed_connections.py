"""Connections to Redis that close while another task uses them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from chat_sessions.cache.redis.commands import packed
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.cache.redis.server import RedisServer
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from tests.waiting import until


@pytest.fixture
async def link(settings: Settings) -> AsyncIterator[RedisLink]:
    opened = RedisLink(settings, Metrics())
    yield opened
    await opened.close()


@pytest.fixture
async def connection(settings: Settings) -> AsyncIterator[AbstractConnection]:
    server = RedisServer(settings.redis_url.get_secret_value(), settings, in_cluster=False)
    pool: Any = server.client.connection_pool
    connection = await pool.get_connection()
    yield connection
    await pool.release(connection)
    await server.close()


async def test_a_command_on_a_closing_connection_can_only_fail_as_a_lost_connection(
    connection: AbstractConnection,
) -> None:
    ping = asyncio.ensure_future(connection.send_command("PING"))
    await asyncio.sleep(0)
    await connection.disconnect(nowait=True)
    [error] = await asyncio.gather(ping, return_exceptions=True)
    # If asyncio sends at once, the command is already out.
    assert error is None or type(error) is RedisConnectionError


async def test_a_closed_connection_sends_nothing(connection: AbstractConnection) -> None:
    await connection.disconnect(nowait=True)
    with pytest.raises(RedisConnectionError, match="closed"):
        await connection._send_packed_command([b"PING"])  # noqa: SLF001  what redis-py calls last


async def test_a_connection_that_redis_closed_while_it_was_idle_is_replaced(settings: Settings) -> None:
    server = RedisServer(settings.redis_url.get_secret_value(), settings, in_cluster=False)
    await server.run([packed("PING")])
    [idle] = server._idle  # noqa: SLF001  to close this one and no other
    await idle.send_command("CLIENT", "ID")
    await server.client.client_kill_filter(_id=await idle.read_response())
    await until(idle.can_read)
    assert await server.run([packed("PING")]) == [b"PONG"]
    await server.close()


async def test_a_closed_subscription_opens_no_further_connection(link: RedisLink) -> None:
    async with link.subscription() as subscription:
        await subscription.add("chat:a")
    for change in (subscription.add("chat:b"), subscription.remove("chat:a")):
        with pytest.raises(RedisAway):
            await change
