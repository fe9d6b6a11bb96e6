"""The actions of users, and their frequencies."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic

from benchmarks.soak import races
from benchmarks.soak.calls import NoResponse
from benchmarks.soak.user import NOT_FOUND, User

FEWEST_SESSIONS, MOST_SESSIONS = 6, 24
SMALL_PAGE = 7
# Late readers and writers are most likely right after a deletion.
RECENTLY_DELETED = 10
Habit = Callable[[User, Sequence[User]], Awaitable[None]]


async def read_list(user: User, _others: Sequence[User]) -> None:
    """Read the list."""
    await user.check_list()


async def walk(user: User, _others: Sequence[User]) -> None:
    """Page through the list by cursor."""
    summaries, params = [], {"limit": SMALL_PAGE}
    while True:
        page = (await user.calls.send("listSessions", params=params)).body
        summaries += page["sessions"]
        if page["next_cursor"] is None:
            break
        params = {"limit": SMALL_PAGE, "cursor": page["next_cursor"]}
    user.expect(len(summaries) == len({each["id"] for each in summaries}), "a session on two pages")
    user.compare(summaries)


async def search(user: User, _others: Sequence[User]) -> None:
    """Search for the title of a session."""
    title = user.alive[user.any_session()].title
    found = (await user.calls.send("listSessions", params={"q": title, "limit": 100})).body["sessions"]
    expected = {session_id for session_id, known in user.alive.items() if title in known.title}
    user.expect({each["id"] for each in found} == expected, "a search finds other sessions", (title, found))


async def read(user: User, _others: Sequence[User]) -> None:
    """Open a session."""
    await user.check_session(user.any_session())


async def create(user: User, _others: Sequence[User]) -> None:
    """Create a session, sometimes with an id that the service mints."""
    await (user.create_once() if user.chance.random() < 0.2 else user.create())  # noqa: PLR2004


async def append(user: User, _others: Sequence[User]) -> None:
    """Append some messages."""
    await user.append(user.any_session(), user.chance.randint(1, 4))


async def append_megabytes(user: User, _others: Sequence[User]) -> None:
    """Append messages of nearly the maximum size, and read them."""
    session_id = user.any_session()
    await user.append(session_id, user.chance.randint(1, 3), large=True)
    await asyncio.gather(*(user.check_session(session_id) for _ in range(3)))


async def regenerate(user: User, _others: Sequence[User]) -> None:
    """Cut off the last messages, append another one, and read the session."""
    session_id = user.any_session()
    await user.cut(session_id, user.chance.randint(1, 3))
    await user.check_session(session_id)
    await user.append(session_id, 1)
    await user.check_session(session_id)


async def rename(user: User, _others: Sequence[User]) -> None:
    """Rename a session."""
    await user.change(user.any_session(), title=user.new_title())


async def pin(user: User, _others: Sequence[User]) -> None:
    """Pin or unpin a session."""
    session_id = user.any_session()
    await user.change(session_id, is_pinned=not user.alive[session_id].is_pinned)


async def delete(user: User, others: Sequence[User]) -> None:
    """Delete a session, and check that it is gone."""
    await user.delete(user.any_session())
    await user.check_list()
    await revisit_deleted(user, others)


async def delete_some(user: User, others: Sequence[User]) -> None:
    """Delete some sessions at once, along with a deleted one and another user's."""
    own = set(user.chance.sample(sorted(user.alive), 3))
    foreign = {other.any_session() for other in others[:1] if other.alive}
    body = {"ids": sorted(own | foreign | set(list(user.deleted_ids)[-1:]))}
    began = monotonic()
    response = await user.calls.send("batchDeleteSessions", body=body)
    deleted = set(response.body["deleted"])
    user.expect(deleted == own or (response.uncertain and deleted <= own), "a batch deletes other sessions", deleted)
    user.record_deletion(own, began, response)
    await user.check_list()


async def delete_pinned(user: User, _others: Sequence[User]) -> None:
    """Delete all pinned sessions."""
    own = {session_id for session_id, known in user.alive.items() if known.is_pinned}
    began = monotonic()
    response = await user.calls.send("batchDeleteSessions", body={"filter": {"pinned": True}})
    deleted = set(response.body["deleted"])
    user.expect(deleted == own or (response.uncertain and deleted <= own), "a filter deletes other sessions", deleted)
    user.record_deletion(own, began, response)


async def revisit_deleted(user: User, _others: Sequence[User]) -> None:
    """Call every operation on deleted sessions, whose ids cannot be used again."""
    for session_id in user.chance.sample(list(user.deleted_ids)[-RECENTLY_DELETED:], min(2, len(user.deleted_ids))):
        await _expect_not_found(user, session_id, "a deleted session is served")
        created = await user.calls.send("createSession", body={"id": session_id})
        user.expect(created.status == 409, "a deleted id is reused", (session_id, created.status))  # noqa: PLR2004
    await user.check_list()


async def access_foreign(user: User, others: Sequence[User]) -> None:
    """Call every operation on another user's session; creating one with its id would be legitimate."""
    for session_id in [other.any_session() for other in others[:1] if other.alive]:
        await _expect_not_found(user, session_id, "another user's session is served")


async def _expect_not_found(user: User, session_id: str, what: str) -> None:
    send = user.calls.send
    responses = await asyncio.gather(
        send("getSession", session_id),
        send("appendMessages", session_id, body={"messages": [user.new_message()]}),
        send("cutMessages", session_id, params={"from_sequence": 0}),
        send("changeSession", session_id, body={"title": "late"}),
        send("deleteSession", session_id),
    )
    statuses = [each.status for each in responses]
    user.expect(statuses == [NOT_FOUND] * 5, what, (session_id, statuses))


WEIGHTS: Mapping[Habit, int] = {
    read: 30,
    read_list: 20,
    append: 14,
    append_megabytes: 1,
    create: 8,
    delete: 6,
    rename: 6,
    revisit_deleted: 5,
    pin: 4,
    regenerate: 4,
    races.deletion: 3,
    races.appends: 2,
    races.rename: 2,
    races.creations: 2,
    search: 2,
    walk: 2,
    access_foreign: 2,
    delete_some: 1,
    delete_pinned: 1,
}


async def live(user: User, others: Sequence[User], actions_per_second: float, ended: asyncio.Event) -> None:
    """Perform random actions until the end."""
    while not ended.is_set():
        others = user.chance.sample(others, len(others))
        try:
            await _next(user)(user, others)
        except NoResponse as error:
            user.expect(holds=False, violation="no response for minutes", detail=error)
        except Exception as error:  # noqa: BLE001  one user's error must not end the run
            user.expect(holds=False, violation="an unexpected response", detail=repr(error))
        await asyncio.sleep(user.chance.expovariate(actions_per_second))


def _next(user: User) -> Habit:
    if len(user.alive) < FEWEST_SESSIONS:
        return create
    if len(user.alive) > MOST_SESSIONS:
        return delete_some
    return user.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
