"""Large data: pages and bursts of large messages, and one user's attempt to fill Redis."""

import asyncio
import itertools
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
from redis.asyncio import Redis

from benchmarks.pressure.bystander import Kind
from benchmarks.pressure.deployment import REDIS_MEGABYTES, SESSIONS, Deployment
from benchmarks.pressure.findings import Findings
from benchmarks.pressure.stage import OK, SERVER_ERROR, Delay, plus_100_ms, under_pressure, within_a_second
from benchmarks.processes import MEGABYTE

DELAYS: Mapping[Kind, Delay] = {"read": plus_100_ms, "append": plus_100_ms}
NO_DELAYS: Mapping[Kind, Delay] = {"read": within_a_second, "append": within_a_second}
EXPECTED = {201, 503}
MESSAGES, MESSAGE_BYTES = 60, 1_000_000
READERS = 5
READING_SECONDS = 15.0
MESSAGES_AT_ONCE = 3
# The limit of a page, and a margin for other fields.
MOST_PAGE_MEGABYTES = 4.5
# Sessions with one message of so many bytes: above and below the size limit of the cache.
HOARDS = ((20, 1_000_000), (80, 200_000))
# Each limit is a separate cache entry.
LIMITS = range(1, 33)
WRITERS, WAVES = 24, 3
# A wide character maximizes the size of strings in Python and Node.
WIDE = "\N{GRINNING FACE}"
# A margin for the bystander's entries.
MOST_REDIS_MEGABYTES = REDIS_MEGABYTES * 0.9


async def pages(deployment: Deployment) -> Findings:
    """Read a session of many megabytes repeatedly and concurrently."""
    findings = Findings(f"{MESSAGES} messages of 1 MB in one session, read by {READERS} at once")
    async with deployment.clients("reader") as clients:
        path = await _session(clients[0], MESSAGES, MESSAGE_BYTES)
        async with under_pressure(deployment, findings, DELAYS):
            responses = await asyncio.gather(*(_read_on(each, path) for each in _spread(clients, READERS)))
            await _walk(clients[0], path, findings)
        statuses, sizes = zip(*itertools.chain.from_iterable(responses), strict=True)
        findings.note("pages read", len(statuses))
        findings.none("of them not 200", sum(each != OK for each in statuses))
        findings.at_most("largest page, MB", max(sizes) / MEGABYTE, MOST_PAGE_MEGABYTES)
    return findings


async def hoard(deployment: Deployment) -> Findings:
    """Read more distinct large pages as one user than fit into Redis."""
    findings = Findings(f"One user tries to fill a Redis of {REDIS_MEGABYTES} MB (noeviction)")
    async with deployment.clients("hoarder") as clients:
        paths = [await _session(clients[0], 1, size) for sessions, size in HOARDS for _ in range(sessions)]
        async with under_pressure(deployment, findings, DELAYS):
            peak = asyncio.create_task(_peak(deployment))
            reads = [(path, limit) for path in paths for limit in LIMITS]
            readers = enumerate(_spread(clients, READERS))
            failed = await asyncio.gather(*(_read_all(each, reads[at::READERS]) for at, each in readers))
            peak.cancel()
            await asyncio.wait([peak])
        findings.note("pages read", len(reads))
        findings.none("of them failed", sum(failed))
        findings.at_most("peak memory of Redis, MB", peak.result(), MOST_REDIS_MEGABYTES)
    return findings


async def burst(deployment: Deployment) -> Findings:
    """Append megabytes as many users at once while others read large pages, all at one service."""
    size = MESSAGES_AT_ONCE * MESSAGE_BYTES // MEGABYTE
    findings = Findings(f"{WRITERS} appends of {size} MB at once, {WAVES} times, and {READERS} readers of large pages")
    async with deployment.clients("reader") as readers, AsyncExitStack() as stack:
        page = await _session(readers[0], MESSAGES, MESSAGE_BYTES)
        writers = [(await stack.enter_async_context(deployment.clients(f"writer-{n}")))[0] for n in range(WRITERS)]
        paths = [f"{await _session(writer, 0, 0)}/messages" for writer in writers]
        async with under_pressure(deployment, findings, NO_DELAYS, services=slice(1)):
            reading = asyncio.gather(*(_read_on(readers[0], page) for _ in range(READERS)))
            responses = Counter[int]()
            for _ in range(WAVES):
                responses.update(await asyncio.gather(*map(_append_megabytes, writers, paths)))
            statuses = [status for each in await reading for status, _ in each]
    findings.note("pages read", len(statuses))
    findings.none("of them not 200", sum(each != OK for each in statuses))
    findings.note("responses to the appends", ", ".join(f"{status}: {n}" for status, n in sorted(responses.items())))
    unexpected = sum(responses[each] for each in responses.keys() - EXPECTED)
    findings.none("of them neither successful nor retryable", unexpected)
    return findings


async def _append_megabytes(client: httpx.AsyncClient, path: str) -> int:
    # A reused connection could time out while it waits for the slowest response of the wave.
    headers = {"Connection": "close"}
    new = {"messages": _messages(MESSAGES_AT_ONCE, MESSAGE_BYTES)}
    return (await client.post(path, json=new, headers=headers)).status_code


def _messages(number: int, size: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": WIDE + secrets.token_hex(size // 2)} for _ in range(number)]


async def _session(client: httpx.AsyncClient, messages: int, size: int) -> str:
    created = await client.post(SESSIONS, json={"title": "Large"})
    path = f"{SESSIONS}/{created.json()['id']}"
    for start in range(0, messages, MESSAGES_AT_ONCE):
        number = min(MESSAGES_AT_ONCE, messages - start)
        (await client.post(f"{path}/messages", json={"messages": _messages(number, size)})).raise_for_status()
    return path


async def _read_on(client: httpx.AsyncClient, path: str) -> list[tuple[int, int]]:
    """Read the newest page for READING_SECONDS; return statuses and sizes."""
    responses, give_up_at = [], time.monotonic() + READING_SECONDS
    while time.monotonic() < give_up_at:
        response = await client.get(path, params={"limit": MESSAGES})
        responses.append((response.status_code, len(response.content)))
    return responses


async def _read_all(client: httpx.AsyncClient, reads: Iterable[tuple[str, int]]) -> int:
    """Read all of these pages and return how many failed."""
    return sum([(await client.get(path, params={"limit": limit})).status_code >= SERVER_ERROR for path, limit in reads])


async def _walk(client: httpx.AsyncClient, path: str, findings: Findings) -> None:
    """Page through to the first message and check that none is missing or repeated."""
    seen: list[int] = []
    page: dict[str, Any] = {"has_more_messages": True}
    while page["has_more_messages"]:
        before = {"before_sequence": min(seen)} if seen else {}
        page = (await client.get(path, params={"limit": MESSAGES, **before})).raise_for_status().json()
        seen += [each["sequence"] for each in page["messages"]]
    findings.exactly("messages found by paging through", len(seen), MESSAGES)
    findings.exactly("distinct messages among them", len(set(seen)), MESSAGES)


async def _peak(deployment: Deployment) -> float:
    """Poll the memory of Redis until cancelled; return the peak in megabytes."""
    most = 0.0
    async with Redis.from_url(deployment.redis.url) as redis:
        try:
            while True:
                most = max(most, (await redis.info("memory"))["used_memory"] / MEGABYTE)
                await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            return most


def _spread(clients: Sequence[httpx.AsyncClient], number: int) -> list[httpx.AsyncClient]:
    return list(itertools.islice(itertools.cycle(clients), number))
