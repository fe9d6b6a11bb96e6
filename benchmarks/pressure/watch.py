"""Watches memory, restarts and metrics of the services during a scenario."""

import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic

import psutil
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from benchmarks.pressure.findings import Findings
from benchmarks.processes import MEGABYTE, Running, family

INTERVAL_SECONDS = 0.2
# A request may need megabytes only briefly. Finding the processes of a service takes too long to do it this often.
WEIGHING_SECONDS = 0.03
SCRAPE_TIMEOUT_SECONDS = 5
MOST_MEGABYTES = 400.0
#: The counters that must not increase, and their descriptions.
ZERO_COUNTERS: Mapping[str, str] = {
    "chat_redis_failures_total": "Redis failures",
    "chat_unlocked_appends_total": "appends without the lock",
    "chat_unlimited_requests_total": "requests past the rate limit",
}
AWAY = "reads that gave up the cache"


class Watch:
    """Polls the services several times a second."""

    def __init__(self, services: Sequence[Running]) -> None:
        self._services = services
        self._engines: dict[str, set[int]] = {each.name: set() for each in services}
        self._families: dict[str, Sequence[psutil.Process]] = {}
        self._ended = threading.Event()
        self._before: Counter[str] = Counter()
        self.counted: Counter[str] = Counter()
        self.megabytes = 0.0
        self.seconds_untrusted = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch during the block."""
        for each in self._services:
            self._before += _counters(each)
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
        for each in self._services:
            self.counted += _counters(each)
        self.counted.subtract(self._before)

    @property
    def restarts(self) -> int:
        """The number of query engines beyond the first ones."""
        return sum(len(pids) - 1 for pids in self._engines.values())

    def report(self, findings: Findings) -> None:
        """Record the findings that every scenario has."""
        for name in (*ZERO_COUNTERS.values(), AWAY):
            findings.none(name, self.counted[name])
        findings.none("seconds in which a cache was not trusted", round(self.seconds_untrusted, 1))
        findings.none("restarts of the query engine", self.restarts)
        findings.at_most("peak memory of a worker with its engine, MB", self.megabytes, MOST_MEGABYTES)
        findings.none("500 responses", self.counted["500"])
        findings.note("503 responses", self.counted["503"])

    def _watch(self) -> None:
        looked_at = monotonic()
        while not self._ended.wait(WEIGHING_SECONDS):
            for members in self._families.values():
                self._weigh(members)
            now = monotonic()
            if now - looked_at >= INTERVAL_SECONDS:
                distrusted = [self._look(each) for each in self._services]
                self.seconds_untrusted += (now - looked_at) * any(distrusted)
                looked_at = now

    def _weigh(self, members: Sequence[psutil.Process]) -> None:
        with suppress(psutil.NoSuchProcess):
            self.megabytes = max(self.megabytes, sum(each.memory_info().rss for each in members) / MEGABYTE)

    def _look(self, service: Running) -> bool:
        """Record processes and engines, and return whether the service distrusts its cache."""
        with suppress(psutil.NoSuchProcess):
            self._families[service.name] = family(service.process.pid)
            self._engines[service.name] |= service.engines()
        # The bystander records a service that does not respond.
        with suppress(OSError):
            return any(sample.value for sample in _samples(service) if sample.name == "chat_degraded")
        return False


def _counters(service: Running) -> Counter[str]:
    counted: Counter[str] = Counter()
    for name, labels, value, *_ in _samples(service):
        if name in ZERO_COUNTERS:
            counted[ZERO_COUNTERS[name]] += int(value)
        elif name == "chat_http_requests_total":
            counted[labels["status"]] += int(value)
        elif name == "chat_cache_reads_total" and labels["result"] == "away":
            counted[AWAY] += int(value)
    return counted


def _samples(service: Running) -> list[Sample]:
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=SCRAPE_TIMEOUT_SECONDS) as response:  # noqa: S310  ours
        families = text_string_to_metric_families(response.read().decode())
    return [sample for family in families for sample in family.samples]
