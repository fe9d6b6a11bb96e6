"""Accounts of a hundred thousand sessions, which are deleted by the thousands, and finally all at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic

import asyncpg

from benchmarks import data
from benchmarks.soak.calls import NoResponse
from benchmarks.soak.people import People
from benchmarks.soak.plan import Plan
from benchmarks.soak.user import NOT_FOUND, Known, User

# Sessions of a group share a title, by which they are searched and deleted.
GROUPS = 20
SAMPLED = 15
# The audit reads only some.
AUDITED = 100
PAGES_WALKED = 5
# Mean pause between two actions.
PAUSE_SECONDS = 2.0
ACTS_OF_A_LIFE = 25
RETRY_SECONDS, SETTLING_SECONDS = 1.0, 600.0

ADD_SESSIONS = """
INSERT INTO "ChatSession" ("id", "userId", "title", "titleKey")
SELECT gen_random_uuid(), $1, "title", lower("title")
FROM generate_series(1, $2::int) AS n
CROSS JOIN LATERAL (SELECT 'Group ' || n % $3 || ' of ' || $1 AS "title") AS titled
WHERE NOT EXISTS (SELECT FROM "ChatSession" WHERE "userId" = $1)
"""
SESSIONS = 'SELECT "id", "title" FROM "ChatSession" WHERE "userId" = $1'


class Giant(User):
    """Tracks every session, and checks samples."""

    async def settle(self, database_url: str, sessions: int) -> None:
        """Insert the account's sessions by SQL; none of them can be cached yet."""
        while not self.alive:
            # If Postgres dies, the transaction may or may not have been committed.
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                for session_id, title in await self._stored(database_url, sessions):
                    self.begin(session_id, title)
            await asyncio.sleep(RETRY_SECONDS)

    async def _stored(self, database_url: str, sessions: int) -> list[tuple[str, str]]:
        connection = await asyncpg.connect(database_url)
        try:
            async with connection.transaction():
                await connection.execute(data.WITHOUT_TRIGGERS)
                await connection.execute(ADD_SESSIONS, self.name, sessions, GROUPS, timeout=SETTLING_SECONDS)
            return [tuple(row) for row in await connection.fetch(SESSIONS, self.name)]
        finally:
            await connection.close(timeout=RETRY_SECONDS)

    async def check_list(self) -> None:
        """Read the first page and the total."""
        await self._check_page({"limit": 100})

    async def check_everything(self) -> None:
        """Read the list and some of the sessions."""
        await self.check_list()
        for session_id in self.some(self.alive, AUDITED):
            await self.check_session(session_id)

    def some(self, session_ids: Iterable[str], number: int = SAMPLED) -> list[str]:
        """Pick some of them."""
        known = list(session_ids)
        return self.chance.sample(known, min(number, len(known)))

    async def walk(self) -> None:
        """Page into the list by cursor."""
        cursor, seen = "", list[str]()
        for _ in range(PAGES_WALKED):
            ids, cursor = await self._check_page({"limit": 100, **({"cursor": cursor} if cursor else {})})
            seen += ids
            if not cursor:
                break
        self.expect(len(seen) == len(set(seen)), "a session on two pages")

    async def delete_group(self) -> None:
        """Delete all sessions with one title, originally a twentieth of them."""
        title = self.alive[self.any_session()].title
        await self._delete_where({"q": title}, {key for key, known in self.alive.items() if title in known.title})

    async def delete_all(self) -> None:
        """Delete all remaining sessions."""
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        await self._delete_where({"updated_before": tomorrow}, set(self.alive))

    async def _delete_where(self, condition: Mapping[str, str], own: set[str]) -> None:
        """Delete sessions by a filter after caching a sample, and check that the sample is gone."""
        sampled = self.some(own)
        for _ in range(2):
            await asyncio.gather(*map(self.check_session, sampled))
        began = monotonic()
        response = await self.calls.send("batchDeleteSessions", body={"filter": condition})
        if response.status == 200:  # noqa: PLR2004
            deleted, number = set(response.body["deleted"]), response.body["count"]
            self.expect(deleted <= own, "a filter deletes other sessions", len(deleted - own))
            self.expect(number == len(own) or response.uncertain, "a filter spares sessions", (number, len(own)))
        self.record_deletion(own, began, response)
        for _ in range(2):
            responses = await asyncio.gather(*(self.calls.send("getSession", each) for each in sampled))
            left = [each for each, response in zip(sampled, responses, strict=True) if response.status != NOT_FOUND]
            self.expect(not left, "a deleted session is served", left)
        await self.check_list()

    async def _check_page(self, params: Mapping[str, str | int]) -> tuple[list[str], str]:
        body = (await self.calls.send("listSessions", params=params)).body
        self.expect(body["total"] == len(self.alive), "a wrong total", (body["total"], len(self.alive)))
        for each in body["sessions"]:
            known = self.alive.get(each["id"])
            if known is None:
                what = "a deleted session" if each["id"] in self.deleted_ids else "another user's session"
                self.expect(holds=False, violation=f"{what} is listed", detail=each["id"])
            else:
                self.expect(_shown(known) == (each["title"], each["is_pinned"]), "the list is stale", each)
        return [each["id"] for each in body["sessions"]], body["next_cursor"] or ""


Act = Callable[[Giant], Awaitable[None]]


async def _write(giant: Giant) -> None:
    session_id = giant.any_session()
    await giant.append(session_id, 2)
    await giant.check_session(session_id)
    await giant.change(session_id, title=giant.new_title())


async def _delete_one(giant: Giant) -> None:
    await giant.delete(giant.any_session())
    await giant.check_list()


async def _read(giant: Giant) -> None:
    await giant.check_session(giant.any_session())


WEIGHTS: Mapping[Act, int] = {
    _read: 6,
    Giant.check_list: 4,
    Giant.walk: 3,
    Giant.create: 2,
    _write: 4,
    _delete_one: 2,
    Giant.delete_group: 4,
}


async def lives(number: int, people: People, database_url: str, plan: Plan, ended: asyncio.Event) -> None:
    """Repeatedly fill an account, perform actions, delete everything, and start over as another user."""
    for life in count():
        giant = people.join(Giant, f"giant-{number}-{life}")
        await giant.settle(database_url, plan.giant_sessions)
        for act in [*giant.chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=ACTS_OF_A_LIFE), Giant.delete_all]:
            if ended.is_set():
                return
            await _done(giant, act)
            await asyncio.sleep(giant.chance.expovariate(1 / PAUSE_SECONDS))


async def _done(giant: Giant, act: Act) -> None:
    try:
        await act(giant)
    except NoResponse as error:
        giant.expect(holds=False, violation="no response for minutes", detail=error)
    except Exception as error:  # noqa: BLE001  one error must not end the run
        giant.expect(holds=False, violation="an unexpected response", detail=repr(error))


def _shown(known: Known) -> tuple[str, bool]:
    return known.title, known.is_pinned
