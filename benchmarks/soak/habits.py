"""What users do all day, and how often."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic

from benchmarks.soak import races
from benchmarks.soak.calls import Unanswered
from benchmarks.soak.user import NOT_FOUND, User

FEWEST_SESSIONS, MOST_SESSIONS = 6, 24
SMALL_PAGE = 7
# Late readers and writers are soon: most look at what was deleted last.
RECENT_GRAVES = 10
Habit = Callable[[User, Sequence[User]], Awaitable[None]]


async def read_list(user: User, _others: Sequence[User]) -> None:
    """Look at the list."""
    await user.look_at_list()


async def walk(user: User, _others: Sequence[User]) -> None:
    """Go through the list by its cursor."""
    summaries, params = [], {"limit": SMALL_PAGE}
    while True:
        page = (await user.calls.send("listSessions", params=params)).body
        summaries += page["sessions"]
        if page["next_cursor"] is None:
            break
        params = {"limit": SMALL_PAGE, "cursor": page["next_cursor"]}
    user.must(len(summaries) == len({each["id"] for each in summaries}), "a session on two pages")
    user.compare(summaries)


async def search(user: User, _others: Sequence[User]) -> None:
    """Search for the title of a session."""
    sought = user.alive[user.any_session()].title
    found = (await user.calls.send("listSessions", params={"q": sought, "limit": 100})).body["sessions"]
    expected = {session_id for session_id, known in user.alive.items() if sought in known.title}
    user.must({each["id"] for each in found} == expected, "a search finds other sessions", (sought, found))


async def read(user: User, _others: Sequence[User]) -> None:
    """Open a session."""
    await user.look_at(user.any_session())


async def create(user: User, _others: Sequence[User]) -> None:
    """Begin a chat, now and then under an id of the service's."""
    await (user.create_once() if user.chance.random() < 0.2 else user.create())  # noqa: PLR2004


async def append(user: User, _others: Sequence[User]) -> None:
    """Go on with a chat."""
    await user.append(user.any_session(), user.chance.randint(1, 4))


async def append_megabytes(user: User, _others: Sequence[User]) -> None:
    """Go on with messages that are as long as they may be, and read them."""
    session_id = user.any_session()
    await user.append(session_id, user.chance.randint(1, 3), large=True)
    await asyncio.gather(*(user.look_at(session_id) for _ in range(3)))


async def rename(user: User, _others: Sequence[User]) -> None:
    """Rename a chat."""
    await user.change(user.any_session(), title=user.new_title())


async def pin(user: User, _others: Sequence[User]) -> None:
    """Pin or unpin a chat."""
    session_id = user.any_session()
    await user.change(session_id, is_pinned=not user.alive[session_id].is_pinned)


async def delete(user: User, others: Sequence[User]) -> None:
    """Delete a chat, and look whether it is gone."""
    await user.delete(user.any_session())
    await user.look_at_list()
    await haunt(user, others)


async def delete_some(user: User, others: Sequence[User]) -> None:
    """Delete a few chats at once; one of them is gone already, and one somebody else's."""
    own = set(user.chance.sample(sorted(user.alive), 3))
    foreign = {other.any_session() for other in others[:1] if other.alive}
    body = {"ids": sorted(own | foreign | set(list(user.graves)[-1:]))}
    began = monotonic()
    answer = await user.calls.send("deleteSessions", body=body)
    deleted = set(answer.body["deleted"])
    user.must(deleted == own or (answer.doubtful and deleted <= own), "a batch deletes other sessions", deleted)
    user.buried(own, began, answer)
    await user.look_at_list()


async def delete_pinned(user: User, _others: Sequence[User]) -> None:
    """Delete what is pinned."""
    own = {session_id for session_id, known in user.alive.items() if known.is_pinned}
    began = monotonic()
    answer = await user.calls.send("deleteSessions", body={"filter": {"pinned": True}})
    deleted = set(answer.body["deleted"])
    user.must(deleted == own or (answer.doubtful and deleted <= own), "a filter deletes other sessions", deleted)
    user.buried(own, began, answer)


async def haunt(user: User, _others: Sequence[User]) -> None:
    """Come back to deleted sessions in every way there is."""
    for session_id in user.chance.sample(list(user.graves)[-RECENT_GRAVES:], min(2, len(user.graves))):
        await _must_be_nothing(user, session_id, "a deleted session is there")
    await user.look_at_list()


async def trespass(user: User, others: Sequence[User]) -> None:
    """Try all that on somebody else's session."""
    for session_id in [other.any_session() for other in others[:1] if other.alive]:
        await _must_be_nothing(user, session_id, "somebody else's session is there")


async def _must_be_nothing(user: User, session_id: str, what: str) -> None:
    send = user.calls.send
    answers = await asyncio.gather(
        send("getSession", session_id),
        send("appendMessages", session_id, body={"messages": [user.new_message()]}),
        send("changeSession", session_id, body={"title": "late"}),
        send("deleteSession", session_id),
    )
    statuses = [each.status for each in answers]
    user.must(statuses == [NOT_FOUND] * 4, what, (session_id, statuses))
    created = await send("createSession", body={"id": session_id})
    user.must(created.status == 409, "an id is used again", (session_id, created.status))  # noqa: PLR2004


WEIGHTS: Mapping[Habit, int] = {
    read: 30,
    read_list: 20,
    append: 14,
    append_megabytes: 1,
    create: 8,
    delete: 6,
    rename: 6,
    haunt: 5,
    pin: 4,
    races.of_deletion: 3,
    races.of_appends: 2,
    races.of_a_rename: 2,
    races.of_creations: 2,
    search: 2,
    walk: 2,
    trespass: 2,
    delete_some: 1,
    delete_pinned: 1,
}


async def live(user: User, others: Sequence[User], actions_per_second: float, ended: asyncio.Event) -> None:
    """Do one thing after the other until the end."""
    while not ended.is_set():
        others = user.chance.sample(others, len(others))
        try:
            await _next(user)(user, others)
        except Unanswered as error:
            user.must(so=False, what="no answer for minutes", detail=error)
        except Exception as error:  # noqa: BLE001  whatever it is, others are to go on
            user.must(so=False, what="an answer that makes no sense", detail=repr(error))
        await asyncio.sleep(user.chance.expovariate(actions_per_second))


def _next(user: User) -> Habit:
    if len(user.alive) < FEWEST_SESSIONS:
        return create
    if len(user.alive) > MOST_SESSIONS:
        return delete_some
    return user.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
