"""Concurrent calls to one service: appends of many users, and searches of one."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping

import httpx

from benchmarks import data
from benchmarks.pressure.bystander import Kind
from benchmarks.pressure.deployment import SESSIONS, Deployment
from benchmarks.pressure.findings import Findings
from benchmarks.pressure.stage import Delay, under_pressure, within_a_second
from benchmarks.processes import ROOT

DELAYS: Mapping[Kind, Delay] = {"read": within_a_second, "append": within_a_second}
USERS, SESSIONS_EACH = 40, 10
WAVES = 5
MESSAGE = {"messages": [{"role": "user", "content": "All at once"}]}
# Responses with Retry-After.
BUSY = {409, 429, 503}
SEARCHES, SEARCHING_SECONDS = 40, 15.0
ACCOUNT = 100_000
#: Searches titles and messages, if the service supports it; otherwise the list searches titles.
SEARCH = f"{SESSIONS}/search"
FIRST = slice(1)


async def appends(deployment: Deployment) -> Findings:
    """Append to 400 sessions at once, several times."""
    number = USERS * SESSIONS_EACH
    findings = Findings(f"{number} appends at once at one service, {WAVES} times")
    paths = []
    for user in range(USERS):
        await data.add_sessions(deployment.database.url, f"crowd-{user}", SESSIONS_EACH, 1)
        ids = await data.ids(deployment.database.url, f"crowd-{user}")
        authorization = {"Authorization": f"Bearer {deployment.token(f'crowd-{user}')}"}
        paths += [(f"{SESSIONS}/{each}/messages", authorization) for each in ids]
    async with deployment.clients("nobody") as clients, under_pressure(deployment, findings, DELAYS, services=FIRST):
        responses, slowest = Counter[int](), 0.0
        for _ in range(WAVES):
            began = time.monotonic()
            wave = [clients[0].post(path, json=MESSAGE, headers=headers) for path, headers in paths]
            responses.update(each.status_code for each in await asyncio.gather(*wave))
            slowest = max(slowest, time.monotonic() - began)
    findings.note("responses to the appends", _format(responses))
    findings.none("of them neither successful nor retryable", _unexpected(responses, 201))
    findings.note("seconds of the slowest wave", slowest)
    return findings


async def searches(deployment: Deployment) -> Findings:
    """Search one account concurrently for text that it does not contain."""
    findings = Findings(f"{SEARCHES} searches at once of one account of {ACCOUNT:,} sessions, at one service")
    await data.add_sessions(deployment.database.url, "searcher", ACCOUNT, 1)
    path = SEARCH if SEARCH in json.loads((ROOT / "openapi.json").read_text())["paths"] else SESSIONS
    findings.note("searched by", path)
    async with deployment.clients("searcher") as clients, under_pressure(deployment, findings, DELAYS, services=FIRST):
        found = await asyncio.gather(*(_search_on(clients[0], path, number) for number in range(SEARCHES)))
    responses = sum(found, Counter[int]())
    findings.note("responses to the searches", _format(responses))
    findings.none("of them neither successful nor retryable", _unexpected(responses, 200))
    return findings


async def _search_on(client: httpx.AsyncClient, path: str, number: int) -> Counter[int]:
    responses, give_up_at = Counter[int](), time.monotonic() + SEARCHING_SECONDS
    while time.monotonic() < give_up_at:
        response = await client.get(path, params={"q": f"nowhere to be found {number}"})
        responses[response.status_code] += 1
    return responses


def _unexpected(responses: Counter[int], good: int) -> int:
    return sum(responses[each] for each in responses.keys() - BUSY - {good})


def _format(responses: Counter[int]) -> str:
    return ", ".join(f"{status}: {number:,}" for status, number in sorted(responses.items()))
