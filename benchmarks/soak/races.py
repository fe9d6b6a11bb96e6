"""Calls of one user at the same time: any order is right, but what comes after them knows only one."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from benchmarks.soak.user import NOT_FOUND, User

READERS = 4
WRITERS = 4


async def of_deletion(user: User, _others: Sequence[User]) -> None:
    """Delete while others read and write; afterwards nobody does."""
    send, session_id, began = user.calls.send, user.any_session(), monotonic()
    readers = [send("getSession", session_id) for _ in range(READERS)]
    append = send("appendMessages", session_id, body={"messages": [user.new_message()]})
    rename = send("changeSession", session_id, body={"title": user.new_title()})
    deleted, *others = await asyncio.gather(send("deleteSession", session_id), append, rename, *readers)
    user.buried([session_id], began, deleted)
    user.must({each.status for each in others} <= {200, 201, NOT_FOUND}, "a race has a third outcome", others)
    after = await asyncio.gather(*(send("getSession", session_id) for _ in range(READERS)))
    user.must({each.status for each in after} == {NOT_FOUND}, "a deleted session is there", session_id)
    await user.look_at_list()


async def of_appends(user: User, _others: Sequence[User]) -> None:
    """Append from several places: each batch has its place, and nobody the same."""
    session_id = user.any_session()
    known = user.alive[session_id]
    batches = [[user.new_message() for _ in range(user.chance.randint(1, 3))] for _ in range(WRITERS)]
    send = user.calls.send
    answers = await asyncio.gather(*(send("appendMessages", session_id, body={"messages": batch}) for batch in batches))
    user.must({each.status for each in answers} == {201}, "an append to a living session is refused", answers)
    placed = sorted((each["sequence"], each["id"]) for answer in answers for each in answer.body["messages"])
    start = len(known.messages)
    sequences = [sequence for sequence, _ in placed]
    user.must(sequences == list(range(start, start + len(placed))), "a gap or a duplicate", (session_id, sequences))
    known.messages += [message_id for _, message_id in placed]
    known.etag = ""
    await user.look_at(session_id)


async def of_a_rename(user: User, _others: Sequence[User]) -> None:
    """Rename while others read; who reads afterwards sees the new title."""
    session_id = user.any_session()
    readers = [user.calls.send("getSession", session_id) for _ in range(READERS)]
    listers = [user.calls.send("listSessions") for _ in range(READERS)]
    await asyncio.gather(user.change(session_id, title=user.new_title()), *readers, *listers)
    await asyncio.gather(user.look_at(session_id), user.look_at(session_id), user.look_at_list())


async def of_creations(user: User, _others: Sequence[User]) -> None:
    """Create the same session several times: it is one."""
    session_id, title = user.new_id(), user.new_title()
    user.owners[session_id] = user.name
    create = [user.calls.send("createSession", body={"id": session_id, "title": title}) for _ in range(WRITERS)]
    answers = await asyncio.gather(*create)
    statuses = sorted(each.status for each in answers)
    doubtful = any(each.doubtful for each in answers)
    expected = statuses == [200] * (WRITERS - 1) + [201] or (doubtful and statuses == [200] * WRITERS)
    user.must(expected, "a session is created more than once", statuses)
    user.begin(session_id, title)
    await user.look_at(session_id)
