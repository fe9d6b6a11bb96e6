"""`make bench`: interleaved bursts against all servers, with a table of medians and ratios."""

import argparse
import asyncio
import secrets
import urllib.request
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median

from benchmarks import data, report
from benchmarks.load import Burst, burst, has_wrk, warm_up
from benchmarks.paths import ROWS, SESSIONS, Contestant, Kind, Row, calls
from benchmarks.processes import Running, baseline, cpu_of_server, service
from chat_sessions.dev.embedded import Postgres, Redis, temporary_servers
from chat_sessions.store.migrations import migrate_deploy
from chat_sessions.web.auth.tokens import mint_token

READER, DELETER, WRITER = "reader", "deleter", "writer"
USERS: Mapping[Kind, str] = {"delete": DELETER, "append": WRITER}
CACHED: Collection[Contestant] = ("service", "two workers", "webhooks")
# More than any server deletes per second.
DELETES_PER_SECOND = 3000
SOAK_REQUESTS = 200_000


@dataclass(frozen=True)
class Measured:
    """A burst, and its CPU seconds by part."""

    burst: Burst
    cpu: Mapping[str, float]


@dataclass
class Bench:
    """The servers, the data and the measurements."""

    database: Postgres
    redis: Redis
    secret: str
    # Only of contestants that do not share the database.
    databases: dict[Contestant, str] = field(default_factory=dict)
    running: dict[Contestant, Running] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    measured: dict[tuple[str, Contestant], list[Measured]] = field(default_factory=dict)

    def database_of(self, contestant: Contestant) -> str:
        """Return the URL of a contestant's database."""
        return self.databases.get(contestant, self.database.url)

    def environment(self, contestant: Contestant = "service") -> dict[str, str]:
        """Return a server's environment variables."""
        return {
            "CHAT_DATABASE_URL": self.database_of(contestant),
            "CHAT_REDIS_URL": self.redis.url,
            "CHAT_JWT_SECRET": self.secret,
        }

    def token(self, kind: Kind) -> str:
        """Return the token of the user for this kind of call."""
        return mint_token(self.secret, USERS.get(kind, READER), ttl=86_400)

    def measure(self, row: Row, contestant: Contestant, seconds: int) -> None:
        """Run one burst."""
        calls_ = calls(row.kind, contestant, self._ids(row.kind, contestant, seconds), self.etags)
        for url in (self.database.url, *self.databases.values()):
            asyncio.run(data.settle(url))
        with self._alone(contestant):
            if row.kind not in USERS:
                warm_up(self.running[contestant].url, self.token(row.kind), calls_)
            before = self._cpu(contestant)
            result = burst(self.running[contestant].url, self.token(row.kind), calls_, seconds)
            used = {part: after - before[part] for part, after in self._cpu(contestant).items()}
        self.measured.setdefault((row.name, contestant), []).append(Measured(result, used))

    @contextmanager
    def _alone(self, contestant: Contestant) -> Iterator[None]:
        """Suspend the other servers. Idle, they take 4 % of a core, which only some rows would miss."""
        others = [running for name, running in self.running.items() if name != contestant]
        for each in others:
            each.suspend()
        try:
            if contestant in CACHED:
                self.running[contestant].await_cache()
            yield
        finally:
            for each in others:
                each.resume()

    def _ids(self, kind: Kind, contestant: Contestant, seconds: int) -> Sequence[str]:
        of_baseline, url = contestant == "pick_instead", self.database_of(contestant)
        user = USERS.get(kind, READER)
        if kind == "delete":
            asyncio.run(data.add_to_both(url, user, DELETES_PER_SECOND * seconds))
        return asyncio.run(data.ids(url, user, of_baseline=of_baseline))

    def _cpu(self, contestant: Contestant) -> dict[str, float]:
        servers = {"postgres": cpu_of_server(self.database), "redis": cpu_of_server(self.redis)}
        return {**self.running[contestant].cpu(), **servers}

    def get(self, contestant: Contestant, path: str) -> tuple[str, bytes]:
        """Return the ETag and the body of a response to the reader."""
        request = urllib.request.Request(self.running[contestant].url + path)  # noqa: S310  our own
        request.add_header("Authorization", f"Bearer {self.token('get')}")
        with urllib.request.urlopen(request) as response:  # noqa: S310  our own
            return response.headers.get("ETag", ""), response.read()


@contextmanager
def started() -> Iterator[Bench]:
    """Start everything and load the data."""
    with temporary_servers() as (database, redis), ExitStack() as stack:
        bench = Bench(database, redis, secrets.token_hex(32))
        bench.databases = {"webhooks": asyncio.run(data.create_database(database.url, "webhooks"))}
        for url in (database.url, *bench.databases.values()):
            migrate_deploy(url)
            asyncio.run(data.prepare_baselines(url))
            asyncio.run(data.add_to_both(url, READER, data.READER_SESSIONS))
            asyncio.run(data.add_to_both(url, WRITER, data.WRITER_SESSIONS))
        environment = bench.environment()
        # Nothing listens on port 1: without Redis, the service reads from Postgres.
        without_cache = {**environment, "CHAT_REDIS_URL": "redis://127.0.0.1:1"}
        receiver = stack.enter_context(baseline("receiver", {}))
        with_webhooks = {
            **bench.environment("webhooks"),
            "CHAT_WEBHOOK_URL": f"{receiver.url}/webhooks",
            "CHAT_WEBHOOK_SECRET": f"whsec_{b64encode(secrets.token_bytes(32)).decode()}",
            "CHAT_WEBHOOK_PRIVATE": "true",
        }
        bench.running = {
            "service": stack.enter_context(service("service", environment)),
            "two workers": stack.enter_context(service("two-workers", environment, workers=2)),
            "uncached": stack.enter_context(service("uncached", without_cache)),
            "webhooks": stack.enter_context(service("webhooks", with_webhooks)),
            "ceiling": stack.enter_context(baseline("ceiling", environment)),
            "pick_instead": stack.enter_context(baseline("pick_instead", environment)),
        }
        paths = [SESSIONS, *(f"{SESSIONS}/{each}" for each in asyncio.run(data.ids(database.url, READER)))]
        responses = {path: bench.get("service", path) for path in paths}
        bench.etags = {path: etag for path, (etag, _) in responses.items()}
        asyncio.run(data.store_for_ceiling(redis.url, READER, {path: body for path, (_, body) in responses.items()}))
        yield bench


def soak(bench: Bench, requests: int) -> dict[str, float]:
    """Return the megabytes of a worker and its engine before and after many requests."""
    row = ROWS[0]
    before = bench.running["service"].memory()
    left = requests
    while left > 0:
        calls_ = calls(row.kind, "service", bench._ids(row.kind, "service", 0), bench.etags)  # noqa: SLF001
        left -= burst(bench.running["service"].url, bench.token(row.kind), calls_, 5).requests
    after = bench.running["service"].memory()
    return {
        **{f"{part} before": mb for part, mb in before.items()},
        **{f"{part} after": mb for part, mb in after.items()},
    }


def cold_start(environment: Mapping[str, str], times: int) -> float:
    """Return the seconds from the start of the command to the first response."""
    seconds = []
    for _ in range(times):
        with service("cold", environment, healthy="/healthz") as running:
            seconds.append(running.seconds_to_start)
    return median(seconds)


def main() -> None:
    """Measure, print the table, and write it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="duration of a burst")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="only rows whose name contains this")
    parser.add_argument("--no-soak", action="store_true", help=f"skip the memory test of {SOAK_REQUESTS:,} requests")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only in row.name]
    print(f"Load generator: {'wrk' if has_wrk() else 'Python; apt-get install wrk for a faster one'}.")
    with started() as bench:
        for number in range(arguments.rounds):
            print(f"round {number + 1} of {arguments.rounds}", flush=True)
            for row in rows:
                bench.measure(row, row.baseline, arguments.seconds)
                bench.measure(row, row.service, arguments.seconds)
        facts = {"cold start s": cold_start(bench.environment(), 3)}
        facts |= soak(bench, 0 if arguments.no_soak else SOAK_REQUESTS)
        report.report(rows, bench.measured, facts)


if __name__ == "__main__":
    main()
