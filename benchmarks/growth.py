"""`make bench-growth`: latency with a thousand, a hundred thousand and a million sessions in the database."""

import argparse
import asyncio
import json
import secrets
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks import data
from benchmarks.processes import Running, service
from chat_sessions.dev.embedded import temporary_servers
from chat_sessions.store.migrations import migrate_deploy
from chat_sessions.web.auth.tokens import mint_token

SIZES = (1_000, 100_000, 1_000_000)
SESSIONS = "/api/chat/sessions"
RESULTS = Path(__file__).with_name("results")
# The most sessions of one user.
LARGEST_USER = 100_000
LONG_SESSION_MESSAGES = 10_000
# Several, because one is deleted within milliseconds.
LONG_SESSIONS = 12
REPEATS = 200
MOST_GROWTH = 1.5
# Grows by design: it counts the user's sessions, and the count is cached until the next create or delete.
COUNTS = "first page after a creation"
MOST_BLOCKING = 3

OTHERS = """
INSERT INTO "ChatSession" ("id", "userId", "title", "titleKey", "messageCount", "updatedAt")
SELECT gen_random_uuid(), 'user' || n % 10000, 'Chat ' || n, 'chat ' || n, 0, now() - make_interval(secs => n)
FROM generate_series(1, $1::int) AS n
"""


async def fill(url: str, add: int, largest: int) -> None:
    """Insert sessions without messages for the largest user and others, and some with messages."""
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute(data.WITHOUT_TRIGGERS)
        await connection.execute(data.SESSIONS, "largest", largest, 0)
        await connection.execute(OTHERS, max(0, add - largest))
        await connection.execute("SET session_replication_role = DEFAULT")
    for user, count, messages in (("sample", 1000, data.MESSAGES), ("long", LONG_SESSIONS, LONG_SESSION_MESSAGES)):
        async with connection.transaction():
            await connection.execute(data.WITHOUT_TRIGGERS)
            await connection.execute(data.SESSIONS, user, count, messages)
            await connection.execute(data.MESSAGES_OF_NEW_SESSIONS, user, messages)
            await connection.execute("SET session_replication_role = DEFAULT")
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


class Caller:
    """Makes one user's calls, one at a time."""

    def __init__(self, running: Running, secret: str, user: str) -> None:
        self._url = running.url
        self._token = mint_token(secret, user, ttl=86_400)

    def call(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[float, Any]:
        """Return the milliseconds and the response."""
        request = urllib.request.Request(self._url + path, body, method=method)  # noqa: S310  our own
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Content-Type", "application/json")
        started = time.perf_counter()
        with urllib.request.urlopen(request) as response:  # noqa: S310  our own
            content = response.read()
        return (time.perf_counter() - started) * 1000, json.loads(content) if content else None


def typical(call: Callable[[], tuple[float, Any]], times: int = REPEATS) -> dict[str, float]:
    """Return the median and the 99th percentile of some calls, in milliseconds."""
    return spread([call()[0] for _ in range(times)])


def spread(taken: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile."""
    ordered = sorted(taken)
    return {"p50": ordered[len(ordered) // 2], "p99": ordered[int(len(ordered) * 0.99)]}


def deep_cursor(largest: Caller, pages: int) -> str:
    """Page into the list and return the cursor."""
    cursor = ""
    for _ in range(pages):
        _, page = largest.call(f"{SESSIONS}?limit=100&cursor={cursor}" if cursor else f"{SESSIONS}?limit=100")
        cursor = page["next_cursor"] or cursor
    return cursor


def measure(running: Running, secret: str, url: str, size: int) -> dict[str, dict[str, float]]:
    """Measure each kind of call, bypassing the cache where it would hide Postgres."""
    largest, sample, long = (Caller(running, secret, user) for user in ("largest", "sample", "long"))
    ids = iter(asyncio.run(data.ids(url, "sample")))
    cursor = deep_cursor(largest, min(100, size // 200))
    long_ids = asyncio.run(data.ids(url, "long"))
    numbers = iter(range(10**6))
    results = {
        # Each offset is a new page, so only the total is cached.
        "first pages": typical(lambda: largest.call(f"{SESSIONS}?limit=50&offset={next(numbers)}")),
        "deep page by cursor": typical(
            lambda: largest.call(f"{SESSIONS}?limit={next(numbers) % 50 + 50}&cursor={cursor}")
        ),
        "get": typical(lambda: sample.call(f"{SESSIONS}/{next(ids)}")),
        "delete": typical(lambda: sample.call(f"{SESSIONS}/{next(ids)}", "DELETE")),
    }

    def counted() -> tuple[float, Any]:
        largest.call(SESSIONS, "POST", b"{}")
        return largest.call(f"{SESSIONS}?limit=50")

    def reading() -> tuple[float, Any]:
        return sample.call(f"{SESSIONS}?limit=50&offset={next(numbers) % 50}")

    results[COUNTS] = typical(counted, REPEATS // 10)
    results["others, at rest"] = typical(reading)
    took, during = [], []
    for long_id in long_ids:
        deleting = threading.Thread(
            target=lambda path: took.append(long.call(path, "DELETE")[0]), args=[f"{SESSIONS}/{long_id}"]
        )
        deleting.start()
        while deleting.is_alive():
            during.append(reading()[0])
    results["others, during a long delete"] = spread(during)
    results["delete of 10,000 messages"] = spread(took)
    return results


def report(measured: Mapping[int, Mapping[str, Mapping[str, float]]], sizes: Sequence[int]) -> None:
    """Print the table."""
    print(f"{'p50 / p99, ms':32}" + "".join(f"{size:>20,}" for size in sizes) + f"{'growth':>8}")
    smallest, greatest = measured[sizes[0]], measured[sizes[-1]]
    for name in smallest:
        cells = "".join(f"{measured[size][name]['p50']:11.2f} /{measured[size][name]['p99']:7.2f}" for size in sizes)
        growth = greatest[name]["p50"] / smallest[name]["p50"]
        verdict = "counts" if name == COUNTS else "pass" if growth <= MOST_GROWTH else "FAIL"
        print(f"{name:32}{cells}{growth:8.2f}  {verdict}")
    for size in sizes:
        blocking = measured[size]["others, during a long delete"]["p99"] / measured[size]["others, at rest"]["p99"]
        print(
            f"p99 of others during a long delete, {size:,}: {blocking:.2f} x",
            "pass" if blocking <= MOST_BLOCKING else "FAIL",
        )


def main() -> None:
    """Measure at each size, print the table, and write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    sizes: Sequence[int] = parser.parse_args().sizes
    secret, measured = secrets.token_hex(32), {}
    for size in sizes:
        with temporary_servers() as (database, redis):
            migrate_deploy(database.url)
            asyncio.run(fill(database.url, size, min(size, LARGEST_USER)))
            environment = {
                "CHAT_DATABASE_URL": database.url,
                "CHAT_REDIS_URL": redis.url,
                "CHAT_JWT_SECRET": secret,
            }
            with service("growth", environment) as running:
                measured[size] = measure(running, secret, database.url, size)
        print(f"{size:,} sessions: done", flush=True)
    report(measured, sizes)
    RESULTS.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    file = RESULTS / f"growth-{stamp}.json"
    file.write_text(json.dumps(measured, indent=2))
    print(f"Written to {file}.")


if __name__ == "__main__":
    main()
