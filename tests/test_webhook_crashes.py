"""A worker is killed while it delivers: its receivers still hear of every change, in order."""

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
from tests.webhook_receiver import WAIT_NO_LONGER, Receiver, configured, fails, telling
from tests.wire import url_through

POST = b"POST /webhooks"
ADD = """INSERT INTO "ChatSession" ("userId", "id") VALUES ($1, $2)"""
REMOVE = 'DELETE FROM "ChatSession" WHERE "userId" = $1 AND "id" = $2'


@dataclass
class Lines:
    """The proxies between a worker, its database and its receiver."""

    postgres: Proxy
    receiver: Proxy
    settings: Settings


# What each of them holds back.
STEPS: Mapping[str, Callable[[Lines], Gate]] = {
    "before its turn": lambda lines: lines.postgres.hold(TAKE_TURN.encode()),
    "before the claim": lambda lines: lines.postgres.hold(CLAIM.encode()),
    "before the commit of the claim": lambda lines: lines.postgres.hold_response_to(CLAIM.encode()),
    "before the post": lambda lines: lines.receiver.hold(POST),
    "before the response": lambda lines: lines.receiver.hold_response_to(POST),
    "before the removal": lambda lines: lines.postgres.hold(FINISH.encode()),
    "after the removal": lambda lines: lines.postgres.hold_response_to(FINISH.encode()),
    "before the postponement": lambda lines: lines.postgres.hold(POSTPONE.encode()),
    "after the postponement": lambda lines: lines.postgres.hold_response_to(POSTPONE.encode()),
}


@pytest.fixture
async def lines(postgres: Postgres, settings: Settings, receiver: Receiver) -> AsyncIterator[Lines]:
    port = urlsplit(receiver.url).port or 0
    async with Proxy(postgres.port).running() as one, Proxy(port).running() as other:
        receiver.url = receiver.url.replace(f":{port}/", f":{other.port}/")
        database_url = url_through(one, postgres, settings.database_url)
        events = ("session.created", "session.deleted")
        yield Lines(one, other, telling(settings, receiver, database_url=database_url, webhook_events=events))


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "POLL_SECONDS", couriers.POLL_SECONDS)
    monkeypatch.setattr(courier, "FIRST_DELAY", 0.05)


def heard(receiver: Receiver, session_id: str) -> list[str]:
    """Return the events of a session in the order of their arrival, repeats counted once."""
    return [event for event, _ in groupby(each.event for each in receiver.accepted if session_id in each.session_ids)]


@pytest.mark.parametrize("step", STEPS)
async def test_a_receiver_hears_of_all_that_a_killed_worker_was_delivering(
    lines: Lines, receiver: Receiver, database: asyncpg.Pool, step: str
) -> None:
    await database.execute(ADD, "ada", "old")
    if "postponement" in step:
        receiver.answers.extend([fails, fails])
    with started(env=environment(lines.settings), module="tests.couriers"):
        await configured(database, receiver)
        gate = STEPS[step](lines)
        # Claimed together, since each user's oldest delivery is.
        async with database.acquire() as connection, connection.transaction():
            await connection.execute(REMOVE, "ada", "old")
            await connection.execute(ADD, "bob", "new")
        await asyncio.wait_for(gate.reached.wait(), LIMIT_SECONDS)
        await database.execute(REMOVE, "bob", "new")
    gate.cut()

    await database.execute(WAIT_NO_LONGER)
    async with couriers.delivering(lines.settings):
        await receiver.heard_of("old", "new")
    assert heard(receiver, "old") == ["session.deleted"]
    assert heard(receiver, "new") == ["session.created", "session.deleted"]
    assert len({each.id for each in receiver.attempts}) == 3
