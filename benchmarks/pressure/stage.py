"""Plays a scenario: what others notice of it is measured before and meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import httpx

from benchmarks import data
from benchmarks.pressure.bystander import USER, Kind, Sample, bystander, quantile
from benchmarks.pressure.deployment import SESSIONS, Deployment
from benchmarks.pressure.findings import Findings
from benchmarks.pressure.watch import Watch

WARM_UP_SECONDS, BEFORE_SECONDS = 1.0, 10.0
BYSTANDER_SESSIONS = 50
BYSTANDER_MESSAGES = 5
AT_ONCE = 16
# Twice as long as a hold lives, and a few looks of a sweeper.
RECHECKED_SECONDS = 5.0
OK, SERVER_ERROR = 200, 500
ANSWERED = {200, 201}


#: The longest p99 meanwhile, for the one before.
Delay = Callable[[float], float]


def thrice(before: float) -> float:
    """Nobody else is to notice much."""
    return before * 3


def hardly_later(before: float) -> float:
    """Nobody's bytes are to keep another waiting."""
    return before + 100


def within_a_second(_before: float) -> float:
    """All who come at once share one service, but all come to their turn."""
    return 1000


@asynccontextmanager
async def pressed(
    deployment: Deployment, findings: Findings, delays: Mapping[Kind, Delay], *, services: slice = slice(None)
) -> AsyncIterator[None]:
    """Let the block press on the services, while a bystander uses some of them, and judge what must always hold."""
    await data.add_sessions(deployment.database.url, USER, BYSTANDER_SESSIONS, BYSTANDER_MESSAGES)
    ids = await data.ids(deployment.database.url, USER)
    urls = [each.url for each in deployment.services[services]]
    watch = Watch(deployment.services)
    with bystander(urls, deployment.token(USER), ids) as seen:
        # The first calls open connections and fill the cache.
        await asyncio.sleep(WARM_UP_SECONDS)
        quiet = time.monotonic()
        await asyncio.sleep(BEFORE_SECONDS)
        pressed_at = time.monotonic()
        with watch.watching():
            yield
        ended = time.monotonic()
    for kind, delay in delays.items():
        _compare(findings, kind, seen.within(kind, quiet, pressed_at), seen.within(kind, pressed_at, ended), delay)
    watch.report(findings)


def _compare(findings: Findings, kind: Kind, before: Sequence[Sample], during: Sequence[Sample], delay: Delay) -> None:
    p99 = quantile(before, 0.99)
    findings.tell(f"a bystander's {kind}s, p99 before, ms", p99)
    findings.at_most(f"a bystander's {kind}s, p99 meanwhile, ms", quantile(during, 0.99), delay(p99))
    findings.tell(f"a bystander's {kind}s, ratio", quantile(during, 0.99) / max(p99, 0.1))
    findings.tell(f"a bystander's {kind}s, longest meanwhile, ms", quantile(during, 1))
    findings.none(f"a bystander's {kind}s without a good answer", sum(each.status not in ANSWERED for each in during))


async def statuses(
    clients: Iterable[httpx.AsyncClient], session_ids: Iterable[str], at_once: int = AT_ONCE
) -> list[int]:
    """Open each of the sessions by way of each service, and return what was answered."""
    turns = asyncio.Semaphore(at_once)

    async def opened(client: httpx.AsyncClient, session_id: str) -> int:
        async with turns:
            return (await client.get(f"{SESSIONS}/{session_id}")).status_code

    return await asyncio.gather(*(opened(client, each) for client in clients for each in session_ids))


async def cached(clients: Sequence[httpx.AsyncClient], session_ids: Sequence[str]) -> None:
    """Let every service have answered each of them, and the list, from the cache."""
    for _ in range(2):
        assert set(await statuses(clients, session_ids)) == {OK}  # noqa: S101  the rest would say nothing
        for client in clients:
            await client.get(SESSIONS)


async def stale(clients: Sequence[httpx.AsyncClient], session_ids: Sequence[str]) -> int:
    """Read what has been deleted, again and again for a while, and return how often it was still served."""
    reads, give_up_at = 0, time.monotonic() + RECHECKED_SECONDS
    while time.monotonic() < give_up_at:
        reads += sum(each == OK for each in await statuses(clients, session_ids))
        for client in clients:
            listed = (await client.get(SESSIONS)).json()
            reads += bool(listed["total"] or listed["sessions"])
    return reads
