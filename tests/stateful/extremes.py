"""Rare and expensive calls: thousands of sessions, megabytes, many concurrent writers."""

import asyncio
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import consumes, precondition, rule

from tests.service import Caller
from tests.stateful.model import IN_PROCESS, Modelled, workers
from tests.stateful.usual import deleted_by

# A separate user, so that the other users' lists stay short.
HEAVY = "eve"
THOUSANDS = 2000
# The backlog of a Redis outage must be swept before a test times out.
MOST_OFTEN = 2
SAMPLED = 12
MEGABYTE = "x" * 1_000_000
WRITERS = 40
READERS = 10

ADD_THOUSANDS = """
INSERT INTO "ChatSession" ("id", "userId", "title", "titleKey", "isPinned")
SELECT gen_random_uuid(), $1, 'One of thousands', 'one of thousands', n % 2 = 0 FROM generate_series(1, $2::int) AS n
RETURNING "id"
"""


class Extremes(Modelled):
    """The model does not contain the thousands of sessions: their outcome is known without it."""

    def __init__(self) -> None:
        super().__init__()
        self.times_of_thousands = 0

    @precondition(lambda self: self.times_of_thousands < MOST_OFTEN)
    @rule(worker=workers, only_pinned=st.booleans())
    def delete_thousands(self, worker: int, only_pinned: bool) -> None:
        self.times_of_thousands += 1
        pinned = {"pinned": True} if only_pinned else {}
        doomed = self.run(self._grown_and_deleted(worker, **pinned))
        assert self.run(self._statuses(doomed)) == {404}
        left = THOUSANDS // 2 if only_pinned else 0
        totals = [self.run(self.caller(HEAVY, each).page()).json()["total"] for each in self.awake()]
        assert set(totals) == {left}
        assert self.run(deleted_by(self.caller(HEAVY, worker)))["count"] == left

    @rule(session_id=Modelled.sessions, worker=workers, number=st.integers(1, 3))
    def append_megabytes(self, session_id: str, worker: int, number: int) -> None:
        if expected := self.alive.get(session_id):
            texts = [MEGABYTE] * number
            response = self.run(self.caller(expected.owner, worker).append(session_id, *texts))
            assert response.status_code == 201
            expected.messages += texts
            expected.etag = None

    @rule(session_id=Modelled.sessions, worker=st.sampled_from(IN_PROCESS))
    def append_all_at_once(self, session_id: str, worker: int) -> None:
        if expected := self.alive.get(session_id):
            appended = self.run(self._appended_at_once(self.callers[expected.owner, worker], session_id))
            sequences = sorted(appended)
            assert sequences == list(range(len(expected.messages), len(expected.messages) + len(appended)))
            expected.messages += [appended[each] for each in sequences]
            expected.etag = None

    @rule(target=Modelled.deleted_ids, session_id=consumes(Modelled.sessions), worker=workers)
    def delete_while_reads_find_redis_empty(self, session_id: str, worker: int) -> str:
        if expected := self.alive.pop(session_id, None):
            statuses = self.run(self._deleted_amid_readers(expected.owner, worker, session_id))
            assert statuses[0] == 204
            assert set(statuses[1:]) <= {200, 404}
            after = [self.run(self.caller(expected.owner, each).get(session_id)) for each in self.awake()]
            assert {each.status_code for each in after} == {404}
        return session_id

    async def _grown_and_deleted(self, worker: int, **condition: object) -> Sequence[str]:
        """Create thousands of sessions, let every worker cache some, and delete them."""
        rows = await self.world.database.fetch(ADD_THOUSANDS, HEAVY, THOUSANDS)
        # The second half of each pair is pinned.
        sampled = [row["id"] for row in rows[1 :: THOUSANDS // SAMPLED]]
        for _ in range(2):
            assert await self._statuses(sampled) == {200}
        deleted = await deleted_by(self.caller(HEAVY, worker), **condition)
        assert deleted["count"] == (THOUSANDS // 2 if condition else THOUSANDS)
        return sampled

    async def _statuses(self, session_ids: Sequence[str]) -> set[int]:
        callers = [self.caller(HEAVY, each) for each in self.awake()]
        responses = await asyncio.gather(*(caller.get(each) for caller in callers for each in session_ids))
        return {each.status_code for each in responses}

    async def _appended_at_once(self, caller: Caller, session_id: str) -> dict[int, str]:
        """Append concurrently, and return the accepted texts by sequence."""
        texts = [f"writer {number}" for number in range(WRITERS)]
        responses = await asyncio.gather(*(caller.append(session_id, text) for text in texts))
        assert {each.status_code for each in responses} <= {201, 409, 429}
        taken = [response.json()["messages"][0] for response in responses if response.status_code == 201]
        return {each["sequence"]: each["content"] for each in taken}

    async def _deleted_amid_readers(self, user: str, worker: int, session_id: str) -> list[int]:
        reads = [self.caller(user, each).get(session_id) for each in self.awake() for _ in range(READERS)]
        deletion = self.caller(user, worker).delete(session_id)
        responses, _ = await asyncio.gather(asyncio.gather(deletion, *reads), self._redis_emptied())
        return [each.status_code for each in responses]

    async def _redis_emptied(self) -> None:
        if self.redis_is == "up":
            async with self.world.redis_client() as redis:
                await redis.flushall()
