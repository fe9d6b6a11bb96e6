"""A node of a Citus cluster is killed under load: only its users get 503, and no write is lost or undone.

CHAT_TEST_CITUS_WORKER is a command; its arguments are `kill` or `start`, and the port of a worker node.
"""

import asyncio
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from tests import citus
from tests.service import Caller
from tests.waiting import until
from tests.world import World, world

pytestmark = pytest.mark.skipif(
    citus.URL is None or citus.WORKER is None,
    reason="CHAT_TEST_CITUS_URL and CHAT_TEST_CITUS_WORKER name no cluster and no way to kill a worker",
)

USERS = [f"user {number}" for number in range(8)]
APPENDS = 5
PORT_OF_USER = """
SELECT nodeport FROM pg_dist_shard_placement
WHERE shardid = get_shard_id_for_distribution_column('"ChatSession"', $1::text)
"""


async def run_worker_command(verb: str, port: int) -> None:
    process = await asyncio.create_subprocess_exec(*shlex.split(citus.WORKER or ""), verb, str(port))
    assert await process.wait() == 0


@dataclass
class Writer:
    """A user who appends to one session, records which messages were accepted, and has sessions to delete."""

    caller: Caller
    port: int
    chat: str = ""
    doomed: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: list[httpx.Response] = field(default_factory=list)

    async def begin(self) -> None:
        self.chat = (await self.caller.create("kept"))["id"]
        self.doomed = [(await self.caller.create("doomed"))["id"] for _ in range(2)]
        await self.append()

    async def append(self) -> None:
        text = f"message {len(self.accepted) + len(self.refused)}"
        response = await self.caller.append(self.chat, text)
        if response.status_code == 201:
            self.accepted.append(text)
        else:
            self.refused.append(response)

    async def appends(self, done: asyncio.Event) -> None:
        while not done.is_set():
            await self.append()

    async def appends_more(self) -> None:
        """Wait until some more messages have been accepted."""
        goal = len(self.accepted) + APPENDS

        async def reached() -> bool:
            return len(self.accepted) >= goal

        await until(reached)

    async def served(self) -> None:
        """Wait until calls succeed again."""

        async def succeeds() -> bool:
            return (await self.caller.page(limit=1)).status_code == 200

        await until(succeeds)

    async def stored(self) -> list[str]:
        messages = (await self.caller.get(self.chat, limit=200)).json()["messages"]
        assert [each["sequence"] for each in messages] == list(range(len(messages)))
        return [each["content"] for each in messages]


@pytest.fixture(scope="module")
async def deployment(postgres: Postgres, settings: Settings) -> AsyncIterator[World]:
    async with world(postgres, settings) as deployment:
        yield deployment


@pytest.fixture
async def writers(deployment: World) -> AsyncIterator[list[Writer]]:
    async with AsyncExitStack() as stack:
        found = []
        for user in USERS:
            caller, _ = await stack.enter_async_context(deployment.callers(user))
            port = await deployment.database.fetchval(PORT_OF_USER, user)
            found.append(Writer(caller, port))
        yield found


def statuses(responses: Sequence[httpx.Response]) -> set[int]:
    return {each.status_code for each in responses}


async def test_a_killed_node_fails_only_its_users_and_no_write_is_lost_or_undone(writers: list[Writer]) -> None:
    await asyncio.gather(*(each.begin() for each in writers))
    port = writers[0].port
    theirs = [each for each in writers if each.port == port]
    others = [each for each in writers if each.port != port]
    gone_before = await asyncio.gather(*(each.caller.delete(each.doomed[0]) for each in writers))
    done = asyncio.Event()
    async with asyncio.TaskGroup() as load:
        for each in writers:
            load.create_task(each.appends(done))
        await run_worker_command("kill", port)
        try:
            await asyncio.gather(*(each.appends_more() for each in others))
            their_deletions = await asyncio.gather(*(each.caller.delete(each.doomed[1]) for each in theirs))
            other_deletions = await asyncio.gather(*(each.caller.delete(each.doomed[1]) for each in others))
            ready = await others[0].caller.http.get("/readyz")
        finally:
            await run_worker_command("start", port)
            done.set()

    await asyncio.gather(*(each.served() for each in writers))
    after = [[(await each.caller.get(doomed)).status_code for doomed in each.doomed] for each in writers]
    assert others
    assert statuses(gone_before) == {204}
    assert statuses(their_deletions) == {503}
    assert {each.headers["retry-after"] for each in their_deletions} == {"1"}
    assert statuses(other_deletions) == {204}
    assert ready.status_code == 200
    assert [each.refused for each in others] == [[] for _ in others]
    assert statuses([response for each in theirs for response in each.refused]) == {503}
    assert after == [[404, 200] if each in theirs else [404, 404] for each in writers]
    for each in writers:
        stored = await each.stored()
        # A failed append may have been stored; the accepted ones are all stored, in order.
        assert [text for text in stored if text in each.accepted] == each.accepted
