"""Concurrent calls of one user: any order is valid, but every later read must agree on one."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from benchmarks.soak.user import NOT_FOUND, User

READERS = 4
WRITERS = 4


async def deletion(user: User, _others: Sequence[User]) -> None:
    """Delete during reads and writes; later ones must fail."""
    send, session_id, began = user.calls.send, user.any_session(), monotonic()
    readers = [send("getSession", session_id) for _ in range(READERS)]
    append = send("appendMessages", session_id, body={"messages": [user.new_message()]})
    rename = send("changeSession", session_id, body={"title": user.new_title()})
    deleted, *others = await asyncio.gather(send("deleteSession", session_id), append, rename, *readers)
    user.record_deletion([session_id], began, deleted)
    user.expect({each.status for each in others} <= {200, 201, NOT_FOUND}, "a race has another outcome", others)
    after = await asyncio.gather(*(send("getSession", session_id) for _ in range(READERS)))
    user.expect({each.status for each in after} == {NOT_FOUND}, "a deleted session is served", session_id)
    await user.check_list()


async def appends(user: User, _others: Sequence[User]) -> None:
    """Append concurrently: sequences must be dense and unique."""
    session_id = user.any_session()
    known = user.alive[session_id]
    batches = [[user.new_message() for _ in range(user.chance.randint(1, 3))] for _ in range(WRITERS)]
    send = user.calls.send
    responses = await asyncio.gather(
        *(send("appendMessages", session_id, body={"messages": batch}) for batch in batches)
    )
    user.expect({each.status for each in responses} == {201}, "an append is rejected", responses)
    placed = sorted((each["sequence"], each["id"]) for response in responses for each in response.body["messages"])
    start = len(known.messages)
    sequences = [sequence for sequence, _ in placed]
    user.expect(
        sequences == list(range(start, start + len(placed))),
        "a gap or duplicate in the sequences",
        (session_id, sequences),
    )
    known.messages += [message_id for _, message_id in placed]
    known.etag = ""
    await user.check_session(session_id)


async def rename(user: User, _others: Sequence[User]) -> None:
    """Rename during reads; later reads must return the new title."""
    session_id = user.any_session()
    readers = [user.calls.send("getSession", session_id) for _ in range(READERS)]
    listers = [user.calls.send("listSessions") for _ in range(READERS)]
    await asyncio.gather(user.change(session_id, title=user.new_title()), *readers, *listers)
    await asyncio.gather(user.check_session(session_id), user.check_session(session_id), user.check_list())


async def creations(user: User, _others: Sequence[User]) -> None:
    """Create the same session concurrently: exactly one call must create it."""
    session_id, title = user.new_id(), user.new_title()
    user.owners[session_id] = user.name
    create = [user.calls.send("createSession", body={"id": session_id, "title": title}) for _ in range(WRITERS)]
    responses = await asyncio.gather(*create)
    statuses = sorted(each.status for each in responses)
    uncertain = any(each.uncertain for each in responses)
    expected = statuses == [200] * (WRITERS - 1) + [201] or (uncertain and statuses == [200] * WRITERS)
    user.expect(expected, "a session is created more than once", statuses)
    user.begin(session_id, title)
    await user.check_session(session_id)
