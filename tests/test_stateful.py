"""Any sequence of calls and faults: every answer is one that a simple model allows, and in the end all agree."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chat_sessions.embedded import Postgres
from chat_sessions.settings import Settings
from tests.service import Caller, new_id
from tests.shell import ENGINE, children
from tests.waiting import until
from tests.world import World, world

T = TypeVar("T")
USERS = ("ada", "bob")

users = st.sampled_from(USERS)
workers = st.sampled_from((0, 1))
titles = st.text(alphabet="aäß😀\u2028 %_", min_size=1, max_size=8).filter(lambda title: title.strip() != "")


@dataclass
class ModelSession:
    """A session as it must be."""

    owner: str
    title: str | None
    is_pinned: bool = False
    messages: list[str] = field(default_factory=list)
    #: The ETag of the last read, as long as nothing has changed since.
    etag: str | None = None


class ChatMachine(RuleBasedStateMachine):
    """Two users, two workers, one Redis that comes and goes, engines that die."""

    runner: ClassVar[asyncio.Runner]
    world: ClassVar[World]
    callers: ClassVar[dict[tuple[str, int], Caller]]

    sessions = Bundle("sessions")
    graves = Bundle("graves")

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[str, ModelSession] = {}
        self.redis_is = "up"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin_empty(self) -> None:
        self.run(self.world.emptied())

    @rule(target=sessions, user=users, worker=workers, title=titles, own_id=st.booleans())
    def create(self, user: str, worker: int, title: str, own_id: bool) -> str:
        body = {"title": title, **({"id": new_id()} if own_id else {})}
        answer = self.run(self.callers[user, worker].http.post("/api/chat/sessions", json=body))
        assert answer.status_code == 201
        session_id: str = answer.json()["id"]
        self.alive[session_id] = ModelSession(user, title.strip())
        return session_id

    @rule(session_id=sessions, user=users, worker=workers, text=titles)
    def append(self, session_id: str, user: str, worker: int, text: str) -> None:
        answer = self.run(self.callers[user, worker].append(session_id, text))
        expected = self.of(user, session_id)
        assert answer.status_code == (201 if expected else 404)
        if expected:
            assert answer.json()["messages"][0]["sequence"] == len(expected.messages)
            expected.messages.append(text)
            expected.etag = None

    @rule(session_id=sessions, user=users, worker=workers, title=titles)
    def rename(self, session_id: str, user: str, worker: int, title: str) -> None:
        answer = self.run(self.callers[user, worker].change(session_id, title=title))
        expected = self.of(user, session_id)
        assert answer.status_code == (200 if expected else 404)
        if expected:
            expected.title, expected.etag = title.strip(), None

    @rule(session_id=sessions, user=users, worker=workers, is_pinned=st.booleans())
    def pin(self, session_id: str, user: str, worker: int, is_pinned: bool) -> None:
        answer = self.run(self.callers[user, worker].change(session_id, is_pinned=is_pinned))
        expected = self.of(user, session_id)
        assert answer.status_code == (200 if expected else 404)
        if expected:
            expected.is_pinned, expected.etag = is_pinned, None

    @rule(session_id=sessions, user=users, worker=workers)
    def open(self, session_id: str, user: str, worker: int) -> None:
        answer = self.run(self.callers[user, worker].get(session_id))
        expected = self.of(user, session_id)
        assert answer.status_code == (200 if expected else 404)
        if expected:
            opened = answer.json()
            assert (opened["title"], opened["is_pinned"]) == (expected.title, expected.is_pinned)
            assert [each["content"] for each in opened["messages"]] == expected.messages
            expected.etag = answer.headers["ETag"]

    @rule(session_id=sessions, worker=workers)
    def open_if_changed(self, session_id: str, worker: int) -> None:
        expected = self.alive.get(session_id)
        if expected and expected.etag:
            caller = self.callers[expected.owner, worker]
            headers = {"If-None-Match": expected.etag}
            answer = self.run(caller.http.get(f"/api/chat/sessions/{session_id}", headers=headers))
            assert (answer.status_code, answer.content) == (304, b"")

    @rule(user=users, worker=workers)
    def show_list(self, user: str, worker: int) -> None:
        page = self.run(self.callers[user, worker].page(limit=100)).json()
        shown = {each["id"]: (each["title"], each["is_pinned"]) for each in page["sessions"]}
        assert shown == {key: (each.title, each.is_pinned) for key, each in self.alive.items() if each.owner == user}
        assert page["total"] == len(shown)
        order = [(each["is_pinned"], each["updated_at"], each["id"]) for each in page["sessions"]]
        assert order == sorted(order, reverse=True)

    @rule(target=graves, session_id=consumes(sessions), worker=workers)
    def delete(self, session_id: str, worker: int) -> str:
        expected = self.alive.pop(session_id, None)
        owner, stranger = (
            (expected.owner if expected else "ada"),
            "bob" if expected and expected.owner == "ada" else "ada",
        )
        if expected:
            assert self.run(self.callers[stranger, worker].delete(session_id)).status_code == 404
        answer = self.run(self.callers[owner, worker].delete(session_id))
        assert answer.status_code == (204 if expected else 404)
        return session_id

    @rule(user=users, worker=workers, only_pinned=st.booleans())
    def delete_all(self, user: str, worker: int, only_pinned: bool) -> None:
        condition = {"pinned": True} if only_pinned else {}
        caller = self.callers[user, worker]
        answer = self.run(caller.http.post("/api/chat/sessions/batch-delete", json={"filter": condition}))
        doomed = {key for key, each in self.alive.items() if each.owner == user and (each.is_pinned or not only_pinned)}
        assert set(answer.json()["deleted"]) == doomed
        for session_id in doomed:
            del self.alive[session_id]

    @rule(session_id=graves, user=users, worker=workers)
    def come_late(self, session_id: str, user: str, worker: int) -> None:
        caller = self.callers[user, worker]
        assert self.run(caller.append(session_id, "late")).status_code == 404
        assert self.run(caller.change(session_id, title="late")).status_code == 404
        assert self.run(caller.get(session_id)).status_code == 404

    @precondition(lambda self: self.redis_is == "up")
    @rule()
    def empty_redis(self) -> None:
        self.run(self._emptied_redis())

    @precondition(lambda self: self.redis_is == "up")
    @rule(how=st.sampled_from(["paused", "dead"]))
    def take_redis_away(self, how: str) -> None:
        if how == "paused":
            self.world.redis.pause()
        else:
            self.world.redis.kill()
        self.redis_is = how

    @precondition(lambda self: self.redis_is != "up")
    @rule(keep_data=st.booleans())
    def give_redis_back(self, keep_data: bool) -> None:
        if self.redis_is == "paused":
            self.world.redis.resume()
        else:
            self.world.redis.restart(keep_data=keep_data)
        self.redis_is = "up"

    @rule()
    def kill_an_engine(self) -> None:
        engine = children(ENGINE)[0]
        engine.kill()
        engine.wait()
        for worker in (0, 1):
            caller = self.callers["ada", worker]
            self.run(until(partial(_serves, caller)))

    @invariant()
    def no_key_lives_for_ever(self) -> None:
        if self.redis_is == "up":
            assert self.run(self._immortal_keys()) == []

    def teardown(self) -> None:
        if self.redis_is != "up":
            self.give_redis_back(keep_data=True)
        self.run(self.world.trusted())
        self.run(self._all_agree())

    async def _emptied_redis(self) -> None:
        async with self.world.look_into_redis() as redis:
            await redis.flushall()

    async def _immortal_keys(self) -> list[bytes]:
        async with self.world.look_into_redis() as redis:
            return [key async for key in redis.scan_iter() if await redis.ttl(key) == -1]

    async def _all_agree(self) -> None:
        rows = await self.world.database.fetch('SELECT "id", "userId", "title", "isPinned" FROM "ChatSession"')
        assert {tuple(row) for row in rows} == {
            (key, each.owner, each.title, each.is_pinned) for key, each in self.alive.items()
        }
        messages = await self.world.database.fetchval('SELECT count(*) FROM "ChatMessage"')
        assert messages == sum(len(each.messages) for each in self.alive.values())
        for (user, _), caller in self.callers.items():
            for session_id in self.alive:
                answer = await caller.get(session_id)
                assert answer.status_code == (200 if self.of(user, session_id) else 404)

    def of(self, user: str, session_id: str) -> ModelSession | None:
        """Return the session if it is there and the user's."""
        session = self.alive.get(session_id)
        return session if session and session.owner == user else None


async def _serves(caller: Caller) -> bool:
    return (await caller.http.get("/readyz")).status_code == 200


def test_every_answer_is_one_that_the_model_allows(postgres: Postgres, settings: Settings) -> None:
    quick = {"sweep_interval": 0.1, "redis_timeout": 0.1, "cache_hold": 0.3}
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            ChatMachine.runner = runner
            ChatMachine.world = runner.run(stack.enter_async_context(world(postgres, settings, **quick)))
            ChatMachine.callers = {
                (user, worker): caller
                for user in USERS
                for worker, caller in enumerate(runner.run(stack.enter_async_context(ChatMachine.world.callers(user))))
            }
            run_state_machine_as_test(ChatMachine)
        finally:
            runner.run(stack.aclose())
