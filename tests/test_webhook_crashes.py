"""A worker is killed while it delivers: the receivers still get every event, in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlsplit

import asyncpg
import pytest

from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from chat_sessions.store.webhook_queue import CLAIM, FINISH, POSTPONE, TAKE_TURN
from chat_sessions.webhooks import courier
from tests import couriers
from tests.process import environment
from tests.proxy import Gate, Proxy
from tests.shell import started
from tests.waiting import LIMIT_SECONDS
from tests.webhook_receiver import WAIT_NO_LONGER, Receiver, configured, fails, with_receiver
from tests.wire import url_through

POST = b"POST /webhooks"
ADD = """INSERT INTO "ChatSession" ("userId", "id") VALUES ($1, $2)"""
REMOVE = 'DELETE FROM "ChatSession" WHERE "userId" = $1 AND "id" = $2'


@dataclass
class Proxies:
    """The proxies between a worker, its database and its receiver."""

    postgres: Proxy
    receiver: Proxy
    settings: Settings


# The step at which each holds the delivery.
STEPS: Mapping[str, Callable[[Proxies], Gate]] = {
    "before its turn": lambda proxies: proxies.postgres.hold(TAKE_TURN.encode()),
    "before the claim": lambda proxies: proxies.postgres.hold(CLAIM.encode()),
    "before the commit of the claim": lambda proxies: proxies.postgres.hold_response_to(CLAIM.encode()),
    "before the post": lambda proxies: proxies.receiver.hold(POST),
    "before the response": lambda proxies: proxies.receiver.hold_response_to(POST),
    "before the removal": lambda proxies: proxies.postgres.hold(FINISH.encode()),
    "after the removal": lambda proxies: proxies.postgres.hold_response_to(FINISH.encode()),
    "before the postponement": lambda proxies: proxies.postgres.hold(POSTPONE.encode()),
    "after the postponement": lambda proxies: proxies.postgres.hold_response_to(POSTPONE.encode()),
}


@pytest.fixture
async def proxies(postgres: Postgres, settings: Settings, receiver: Receiver) -> AsyncIterator[Proxies]:
    port = urlsplit(receiver.url).port or 0
    async with Proxy(postgres.port).running() as one, Proxy(port).running() as other:
        receiver.url = receiver.url.replace(f":{port}/", f":{other.port}/")
        database_url = url_through(one, postgres, settings.database_url)
        events = ("session.created", "session.deleted")
        yield Proxies(one, other, with_receiver(settings, receiver, database_url=database_url, webhook_events=events))


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "POLL_SECONDS", couriers.POLL_SECONDS)
    monkeypatch.setattr(courier, "FIRST_DELAY", 0.05)


def events_of(receiver: Receiver, session_id: str) -> list[str]:
    """Return the events of a session in the order of their arrival, repeats counted once."""
    return [event for event, _ in groupby(each.event for each in receiver.accepted if session_id in each.session_ids)]


@pytest.mark.parametrize("step", STEPS)
async def test_everything_that_a_killed_worker_was_delivering_arrives(
    proxies: Proxies, receiver: Receiver, database: asyncpg.Pool, step: str
) -> None:
    await database.execute(ADD, "ada", "old")
    if "postponement" in step:
        receiver.handlers.extend([fails, fails])
    with started(env=environment(proxies.settings), module="tests.couriers"):
        await configured(database, receiver)
        gate = STEPS[step](proxies)
        # Both are claimed together: a claim takes the oldest delivery of each user.
        async with database.acquire() as connection, connection.transaction():
            await connection.execute(REMOVE, "ada", "old")
            await connection.execute(ADD, "bob", "new")
        await asyncio.wait_for(gate.reached.wait(), LIMIT_SECONDS)
        await database.execute(REMOVE, "bob", "new")
    gate.cut()

    await database.execute(WAIT_NO_LONGER)
    async with couriers.delivering(proxies.settings):
        await receiver.wait_for("old", "new")
    assert events_of(receiver, "old") == ["session.deleted"]
    assert events_of(receiver, "new") == ["session.created", "session.deleted"]
    assert len({each.id for each in receiver.attempts}) == 3
