"""The cost of a call in statements and round trips: counted, not timed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

from redis.asyncio import Redis

from chat_sessions.store.preconditions import CHECK
from chat_sessions.store.search_keys import LOOKUPS
from chat_sessions.store.webhook_queue import ADD_RECEIVERS, IS_DUE, REMOVE_RECEIVERS
from tests.service import Service

# Sent by connections themselves, and by the sweeper and the feed at any time.
BACKGROUND = {"PING", "HELLO", "AUTH", "INFO", "CLIENT", "SELECT", "SUBSCRIBE", "UNSUBSCRIBE", "ECHO", "CLUSTER"}
BACKGROUND_STATEMENTS = {CHECK, *LOOKUPS, ADD_RECEIVERS, REMOVE_RECEIVERS, IS_DUE}


@asynccontextmanager
async def commands(redis: Redis) -> AsyncIterator[Callable[[], Awaitable[list[str]]]]:
    """Yield a function that returns the commands sent since then, without the sweeper's."""
    async with redis.monitor() as monitor:

        async def sent() -> list[str]:
            end = f"ECHO {uuid4()}"
            await redis.echo(end.split()[1])
            found = []
            while (command := await monitor.next_command())["command"] != end:
                if command["client_type"] != "lua" and not _is_background(command["command"].split()):
                    found.append(command["command"])
            return found

        yield sent


def counted(worker: Service) -> Callable[[], list[str]]:
    """Return a function that returns the statements sent from now on, without those of background tasks."""
    start = len(worker.statements)
    return lambda: [each for each in worker.statements[start:] if each not in BACKGROUND_STATEMENTS]


def _is_background(words: list[str]) -> bool:
    if words[0] in BACKGROUND:
        return True
    # An eviction has three keys of the list and three of each session; its fourth argument is 1 from the sweeper.
    keys = int(words[2]) if words[0] == "EVALSHA" else 0
    return keys > 3 and words[3 + keys + 3] == "1"
