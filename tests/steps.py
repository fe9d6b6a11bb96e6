"""Steps shared by the tests of several Redis servers: a user with two workers."""

import asyncio
from collections.abc import Sequence

from chat_sessions.cache.keys import UserKeys
from tests.redis_servers import Servers
from tests.service import Caller
from tests.waiting import swept, until_none
from tests.world import World

Both = tuple[Caller, Caller]
READS = 10  # per session and worker
LIFE = [201, 201, 200, 200, 204, 404]


async def cached(world: World, servers: Servers, user: str, caller: Caller, titles: str = "Lisbon Porto") -> list[str]:
    """Create sessions and read them until each is in the cache, and the list."""
    ids = [(await caller.create(title))["id"] for title in titles.split()]
    keys = UserKeys(user)
    # The sweeper also evicts, so wait for it first. Then drop the holds rather than wait for them to expire.
    await swept(world.database)
    await servers.forget(keys.hold("*"))
    await servers.forget(keys.list_hold)

    async def missing() -> set[str]:
        await asyncio.gather(*map(caller.get, ids), caller.page())
        return {*map(keys.session, ids), keys.list} - set(await servers.keys(keys.all))

    await until_none(missing)
    return ids


async def served_from_the_cache(world: World, callers: Both, ids: Sequence[str]) -> None:
    """Wait until the second worker reads all of them from the cache."""

    async def misses() -> list[str]:
        statements = world.workers[1].record_statements()
        assert await statuses(callers[1:], ids) == {200}
        return statements()

    await until_none(misses)


async def statuses(callers: Sequence[Caller], ids: Sequence[str], times: int = READS) -> set[int]:
    """Read each session repeatedly through every caller, and return the statuses."""
    responses = [await asyncio.gather(*(each.get(name) for each in callers for name in ids)) for _ in range(times)]
    return {response.status_code for some in responses for response in some}


async def deleted(caller: Caller, ids: Sequence[str]) -> set[int]:
    return {response.status_code for response in await asyncio.gather(*map(caller.delete, ids))}


async def life(caller: Caller) -> list[int]:
    """Return the statuses of a session's calls from creation to deletion: LIFE if all go well."""
    created = await caller.http.post("/api/chat/sessions", json={"title": "Lisbon"})
    session_id = created.json()["id"]
    responses = [
        created,
        await caller.append(session_id, "hi"),
        await caller.change(session_id, title="Porto"),
        await caller.get(session_id),
        await caller.delete(session_id),
        await caller.get(session_id),
    ]
    return [response.status_code for response in responses]
