"""Measures a bystander before and during a scenario."""

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
# Twice the hold and some sweeps.
RECHECKED_SECONDS = 5.0
OK, SERVER_ERROR = 200, 500
SUCCESS = {200, 201}


#: Maps the p99 before a scenario to the highest allowed one during it.
Delay = Callable[[float], float]


def three_times(before: float) -> float:
    """Allow three times the latency."""
    return before * 3


def plus_100_ms(before: float) -> float:
    """Allow 100 ms more."""
    return before + 100


def within_a_second(_before: float) -> float:
    """Allow a second for concurrent calls that share one service."""
    return 1000


@asynccontextmanager
async def under_pressure(
    deployment: Deployment, findings: Findings, delays: Mapping[Kind, Delay], *, services: slice = slice(None)
) -> AsyncIterator[None]:
    """Run the block while a bystander uses some of the services, and record the common findings."""
    await data.add_sessions(deployment.database.url, USER, BYSTANDER_SESSIONS, BYSTANDER_MESSAGES)
    ids = await data.ids(deployment.database.url, USER)
    urls = [each.url for each in deployment.services[services]]
    watch = Watch(deployment.services)
    with bystander(urls, deployment.token(USER), ids) as measured:
        # Warm up connections and the cache.
        await asyncio.sleep(WARM_UP_SECONDS)
        quiet = time.monotonic()
        await asyncio.sleep(BEFORE_SECONDS)
        started_at = time.monotonic()
        with watch.watching():
            yield
        ended = time.monotonic()
    for kind, delay in delays.items():
        _compare(
            findings, kind, measured.within(kind, quiet, started_at), measured.within(kind, started_at, ended), delay
        )
    watch.report(findings)


def _compare(findings: Findings, kind: Kind, before: Sequence[Sample], during: Sequence[Sample], delay: Delay) -> None:
    p99 = quantile(before, 0.99)
    findings.note(f"a bystander's {kind}s, p99 before, ms", p99)
    findings.at_most(f"a bystander's {kind}s, p99 during, ms", quantile(during, 0.99), delay(p99))
    findings.note(f"a bystander's {kind}s, ratio", quantile(during, 0.99) / max(p99, 0.1))
    findings.note(f"a bystander's {kind}s, max during, ms", quantile(during, 1))
    findings.none(f"a bystander's {kind}s that failed", sum(each.status not in SUCCESS for each in during))


async def statuses(
    clients: Iterable[httpx.AsyncClient], session_ids: Iterable[str], at_once: int = AT_ONCE
) -> list[int]:
    """Read each session through each service, and return the statuses."""
    turns = asyncio.Semaphore(at_once)

    async def opened(client: httpx.AsyncClient, session_id: str) -> int:
        async with turns:
            return (await client.get(f"{SESSIONS}/{session_id}")).status_code

    return await asyncio.gather(*(opened(client, each) for client in clients for each in session_ids))


async def warm_cache(clients: Sequence[httpx.AsyncClient], session_ids: Sequence[str]) -> None:
    """Cache the sessions and the list in every service."""
    for _ in range(2):
        assert set(await statuses(clients, session_ids)) == {OK}  # noqa: S101  otherwise the scenario measures nothing
        for client in clients:
            await client.get(SESSIONS)


async def count_stale_reads(clients: Sequence[httpx.AsyncClient], session_ids: Sequence[str]) -> int:
    """Read deleted sessions repeatedly for RECHECKED_SECONDS, and return how often they were still served."""
    reads, give_up_at = 0, time.monotonic() + RECHECKED_SECONDS
    while time.monotonic() < give_up_at:
        reads += sum(each == OK for each in await statuses(clients, session_ids))
        for client in clients:
            listed = (await client.get(SESSIONS)).json()
            reads += bool(listed["total"] or listed["sessions"])
    return reads
