"""Megabytes: pages of large messages, read by several at once, and one user's attempt to fill Redis."""

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
from benchmarks.pressure.stage import OK, SERVER_ERROR, Delay, hardly_later, pressed, within_a_second
from benchmarks.processes import MEGABYTE

DELAYS: Mapping[Kind, Delay] = {"read": hardly_later, "append": hardly_later}
NO_DELAYS: Mapping[Kind, Delay] = {"read": within_a_second, "append": within_a_second}
TAKEN = {201, 503}
MESSAGES, MESSAGE_BYTES = 60, 1_000_000
READERS = 5
READING_SECONDS = 15.0
MESSAGES_AT_ONCE = 3
# A page ends there; the session's own fields and those of its messages come on top.
MOST_PAGE_MEGABYTES = 4.5
# Sessions with one message of so many bytes each: above and below what is cached.
HOARDS = ((20, 1_000_000), (80, 200_000))
# Each of them is an entry of its own.
LIMITS = range(1, 33)
WRITERS, WAVES = 24, 3
# Wide characters make the texts as large as they get in the memory of Python and of Node.
WIDE = "\N{GRINNING FACE}"
# Only what a bystander leaves behind is to come on top.
MOST_REDIS_MEGABYTES = REDIS_MEGABYTES * 0.9


async def pages(deployment: Deployment) -> Findings:
    """Let several read a session of many megabytes at once, again and again."""
    findings = Findings(f"{MESSAGES} messages of 1 MB in one session, read by {READERS} at once")
    async with deployment.clients("reader") as clients:
        path = await _session(clients[0], MESSAGES, MESSAGE_BYTES)
        async with pressed(deployment, findings, DELAYS):
            answers = await asyncio.gather(*(_read_on(each, path) for each in _spread(clients, READERS)))
            await _walk(clients[0], path, findings)
        statuses, sizes = zip(*itertools.chain.from_iterable(answers), strict=True)
        findings.tell("pages that were read", len(statuses))
        findings.none("of them without an answer of 200", sum(each != OK for each in statuses))
        findings.at_most("largest page, MB", max(sizes) / MEGABYTE, MOST_PAGE_MEGABYTES)
    return findings


async def hoard(deployment: Deployment) -> Findings:
    """Let one user read whatever makes large entries, in more ways than Redis has room for."""
    findings = Findings(f"One user tries to fill a Redis of {REDIS_MEGABYTES} MB (noeviction)")
    async with deployment.clients("hoarder") as clients:
        paths = [await _session(clients[0], 1, size) for sessions, size in HOARDS for _ in range(sessions)]
        async with pressed(deployment, findings, DELAYS):
            peak = asyncio.create_task(_peak(deployment))
            reads = [(path, limit) for path in paths for limit in LIMITS]
            readers = enumerate(_spread(clients, READERS))
            refused = await asyncio.gather(*(_read_all(each, reads[at::READERS]) for at, each in readers))
            peak.cancel()
            await asyncio.wait([peak])
        findings.tell("pages that were read", len(reads))
        findings.none("of them refused", sum(refused))
        findings.at_most("memory of Redis, most MB", peak.result(), MOST_REDIS_MEGABYTES)
    return findings


async def burst(deployment: Deployment) -> Findings:
    """Let many users append megabytes at once while others read large pages, all of it at one service."""
    size = MESSAGES_AT_ONCE * MESSAGE_BYTES // MEGABYTE
    findings = Findings(f"{WRITERS} appends of {size} MB at once, {WAVES} times, and {READERS} readers of large pages")
    async with deployment.clients("reader") as readers, AsyncExitStack() as stack:
        page = await _session(readers[0], MESSAGES, MESSAGE_BYTES)
        writers = [(await stack.enter_async_context(deployment.clients(f"writer-{n}")))[0] for n in range(WRITERS)]
        paths = [f"{await _session(writer, 0, 0)}/messages" for writer in writers]
        async with pressed(deployment, findings, NO_DELAYS, services=slice(1)):
            reading = asyncio.gather(*(_read_on(readers[0], page) for _ in range(READERS)))
            answers = Counter[int]()
            for _ in range(WAVES):
                answers.update(await asyncio.gather(*map(_append_megabytes, writers, paths)))
            statuses = [status for each in await reading for status, _ in each]
    findings.tell("pages that were read", len(statuses))
    findings.none("of them without an answer of 200", sum(each != OK for each in statuses))
    findings.tell("answers to the appends", ", ".join(f"{status}: {n}" for status, n in sorted(answers.items())))
    findings.none("of them neither taken nor told to try again", sum(answers[each] for each in answers.keys() - TAKEN))
    return findings


async def _append_megabytes(client: httpx.AsyncClient, path: str) -> int:
    # The server may close a connection that has waited for the slowest of the wave before.
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
    """Read the newest page until the time is over; return the statuses and sizes."""
    answers, give_up_at = [], time.monotonic() + READING_SECONDS
    while time.monotonic() < give_up_at:
        answer = await client.get(path, params={"limit": MESSAGES})
        answers.append((answer.status_code, len(answer.content)))
    return answers


async def _read_all(client: httpx.AsyncClient, reads: Iterable[tuple[str, int]]) -> int:
    """Read all of these pages and return how many were refused."""
    return sum([(await client.get(path, params={"limit": limit})).status_code >= SERVER_ERROR for path, limit in reads])


async def _walk(client: httpx.AsyncClient, path: str, findings: Findings) -> None:
    """Page through to the first message: none is left out, none comes twice."""
    seen: list[int] = []
    page: dict[str, Any] = {"has_more_messages": True}
    while page["has_more_messages"]:
        before = {"before_sequence": min(seen)} if seen else {}
        page = (await client.get(path, params={"limit": MESSAGES, **before})).raise_for_status().json()
        seen += [each["sequence"] for each in page["messages"]]
    findings.exactly("messages found by paging through", len(seen), MESSAGES)
    findings.exactly("of them different ones", len(set(seen)), MESSAGES)


async def _peak(deployment: Deployment) -> float:
    """Look at the memory of Redis until cancelled; return the most megabytes."""
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
