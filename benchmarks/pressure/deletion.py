"""Deletes accounts of tens of thousands of sessions: by one call, by an operator, and while others delete."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx

from benchmarks import data
from benchmarks.pressure.bystander import Kind
from benchmarks.pressure.deployment import SESSIONS, Deployment
from benchmarks.pressure.findings import Findings
from benchmarks.pressure.stage import OK, Delay, count_stale_reads, statuses, three_times, under_pressure, warm_cache

DELAYS: Mapping[Kind, Delay] = {"read": three_times, "append": three_times}
SAMPLED = 150
BATCH, ERASED = 10_000, 12_000
WITNESSES = 20
# The contract promises about a second; a busy machine may take five.
SWEPT_SECONDS, GIVE_UP_SECONDS = 5.0, 120.0
POLL_SECONDS = 0.05
RETRY_SECONDS = 1.0
MOST_ATTEMPTS = 20

# The statistics after autovacuum of an empty outbox: pages without rows, and no later ANALYZE.
STATISTICS_OF_AN_EMPTY_OUTBOX = """
ALTER TABLE "Outbox" SET (autovacuum_enabled = false);
BEGIN;
INSERT INTO "Outbox" ("userId", "sessionId", "change")
    SELECT 'nobody', n::text, 'updated' FROM generate_series(1, 5000) AS n;
DELETE FROM "Outbox";
COMMIT;
ANALYZE "Outbox"
"""


async def sweeping(deployment: Deployment) -> Findings:
    """Delete 10,000 sessions of one user, another user's sessions by SQL, and erase a third user."""
    findings = Findings(f"A deletion of {BATCH:,} with the statistics of an empty outbox, and others' deletions by SQL")
    url = deployment.database.url
    for user, sessions in (("heavy", BATCH), ("erased", ERASED), ("witness", WITNESSES)):
        await data.add_sessions(url, user, sessions, 1)
    witnesses = await data.ids(url, "witness")
    async with deployment.clients("heavy") as heavy, deployment.clients("witness") as witness:
        await warm_cache(witness, witnesses)
        async with deployment.sql() as sql:
            await sql.execute(STATISTICS_OF_AN_EMPTY_OUTBOX)
        async with under_pressure(deployment, findings, DELAYS):
            await _delete_all(heavy[0], findings)
            await _delete_by_sql(deployment, witness, witnesses, findings)
            await _erase(deployment, findings)
    return findings


async def large(deployment: Deployment, sessions: int) -> Findings:
    """Delete an account by one call, and read what both services had cached."""
    findings = Findings(f"A deletion of {sessions:,} sessions by one call, {SAMPLED} of them cached by both services")
    await data.add_sessions(deployment.database.url, "heavy", sessions, 0)
    ids = await data.ids(deployment.database.url, "heavy")
    sampled = ids[:: len(ids) // SAMPLED][:SAMPLED]
    async with deployment.clients("heavy") as heavy:
        await warm_cache(heavy, sampled)
        async with under_pressure(deployment, findings, DELAYS):
            await _delete_all(heavy[0], findings)
            findings.none("stale reads after the response", await count_stale_reads(heavy, sampled))
            await _swept(deployment, findings)
    return findings


async def _delete_all(client: httpx.AsyncClient, findings: Findings) -> None:
    """Delete all sessions of a user, with retries."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    began, refused = time.monotonic(), 0
    for _ in range(MOST_ATTEMPTS):
        response = await client.post(f"{SESSIONS}/batch-delete", json={"filter": {"updated_before": tomorrow}})
        if response.status_code == OK:
            break
        refused += 1
        await asyncio.sleep(RETRY_SECONDS)
    findings.none("calls that failed before one succeeded", refused)
    findings.exactly("status of the deletion", response.status_code, OK)
    findings.note("seconds until the deletion succeeded", time.monotonic() - began)


async def _delete_by_sql(
    deployment: Deployment, clients: Sequence[httpx.AsyncClient], session_ids: Sequence[str], findings: Findings
) -> None:
    async with deployment.sql() as sql:
        await sql.execute('DELETE FROM "ChatSession" WHERE "id" = ANY($1::text[])', session_ids)

    async def gone() -> bool:
        return OK not in await statuses(clients, session_ids)

    seconds = await _seconds_until(gone)
    findings.at_most("seconds that sessions deleted by SQL stayed visible", seconds, SWEPT_SECONDS)


async def _erase(deployment: Deployment, findings: Findings) -> None:
    began = time.monotonic()
    findings.exactly(
        f"erase-user of {ERASED:,}: exit code", await deployment.command("erase-user", "erased", "--yes"), 0
    )
    findings.note("seconds until it exited", time.monotonic() - began)
    await _swept(deployment, findings)


async def _swept(deployment: Deployment, findings: Findings) -> None:
    """Record how long the sweepers take for the current notes."""
    async with deployment.sql() as sql:
        newest = await sql.fetchval('SELECT COALESCE(max("id"), 0) FROM "Outbox"')

        async def done() -> bool:
            return await _left(sql, newest) == 0

        findings.note("seconds until the outbox notes were swept", await _seconds_until(done))
        findings.none("remaining notes", await _left(sql, newest))


async def _left(sql: asyncpg.Connection, newest: int) -> int:
    return int(await sql.fetchval('SELECT count(*) FROM "Outbox" WHERE "id" <= $1', newest))


async def _seconds_until(condition: Callable[[], Awaitable[bool]]) -> float:
    """Wait for a condition, at most GIVE_UP_SECONDS, and return how long it took."""
    began = time.monotonic()
    while not await condition() and time.monotonic() < began + GIVE_UP_SECONDS:  # noqa: ASYNC110  another process decides
        await asyncio.sleep(POLL_SECONDS)
    return time.monotonic() - began
