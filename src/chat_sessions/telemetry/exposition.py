"""What /metrics answers: the counts of this worker, of its engine, and of the other workers of the host."""

from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from typing_extensions import override

from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.telemetry.peers import Seat, seated

HELP = b"# HELP "
NO_PROCESS = "none"


class Engine(Protocol):
    """The query engine, as far as its metrics go."""

    @property
    def pid(self) -> int | None:
        """Its process, while that lives."""

    @property
    def restarts(self) -> int:
        """How often it was started anew because it had died."""

    @property
    def waiting(self) -> int:
        """How many calls have no answer yet."""

    async def usage(self) -> dict[str, int] | None:
        """Return what its connections do, or None if it does not say at once."""


class EngineCollector(Collector):
    """What the query engine is busy with. Its process is looked at from outside: it may be dead, or hang."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._usage: dict[str, int] | None = None
        self._process = ProcessCollector("chat_engine", lambda: engine.pid or NO_PROCESS, registry=None)

    async def ask(self) -> None:
        """Ask for what only the engine itself can tell."""
        self._usage = await self._engine.usage()

    @override
    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            "chat_engine_restarts", "How often the query engine was started anew.", value=self._engine.restarts
        )
        yield GaugeMetricFamily(
            "chat_engine_calls_waiting",
            "Calls that the engine has not answered yet.",
            value=self._engine.waiting,
        )
        connections = GaugeMetricFamily(
            "chat_database_connections", "Connections to Postgres by state: busy, idle.", labels=["state"]
        )
        queue = GaugeMetricFamily("chat_database_connections_awaited", "Callers that wait for a free connection.")
        if self._usage is not None:
            for state in ("busy", "idle"):
                connections.add_metric([state], self._usage[state])
            queue.add_metric([], self._usage["waiting"])
        yield from (connections, queue)
        yield from self._process.collect()


class Exposition:
    """Answers scrapes. Counting itself stays in each worker's memory; only a scrape brings them together."""

    def __init__(self, metrics: Metrics, engine: Engine, folder: Path | None) -> None:
        self._metrics = metrics
        self._engine = EngineCollector(engine)
        self._folder = folder
        self._seat: Seat | None = None
        metrics.registry.register(self._engine)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Let the other workers ask this one."""
        if self._folder is None:
            yield
            return
        async with seated(self._folder, self._answer_peer) as self._seat:
            yield

    async def page(self) -> bytes:
        """Return the metrics of all workers. Who does not answer in time is missing, and counted."""
        if self._seat is None:
            return await self._own()
        others, silent = await self._seat.ask_the_others()
        self._metrics.silent_workers.set(silent)
        return merged([await self._own(), *others])

    async def _own(self) -> bytes:
        await self._engine.ask()
        if self._seat is None:
            return generate_latest(self._metrics.registry)
        return generate_latest(Labelled(self._metrics.registry, str(self._seat.number)))

    async def _answer_peer(self, _reader: StreamReader, writer: StreamWriter) -> None:
        try:
            writer.write(await self._own())
            await writer.drain()
        finally:
            writer.close()


class Labelled(Collector):
    """The metrics of one among many workers: each series says whose it is."""

    def __init__(self, registry: CollectorRegistry, worker: str) -> None:
        self._registry = registry
        self._worker = worker

    @override
    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [each._replace(labels={**each.labels, "worker": self._worker}) for each in metric.samples]
            yield metric


def merged(pages: Sequence[bytes]) -> bytes:
    """Return one page: the format wants all series of a metric in one place, below its description."""
    metrics: dict[bytes, list[bytes]] = {}
    for page in pages:
        for block in (b"\n" + page).split(b"\n" + HELP)[1:]:
            described, _, rest = block.partition(b"\n")
            kind, _, series = rest.partition(b"\n")
            metrics.setdefault(described + b"\n" + kind, []).append(series.strip(b"\n"))
    blocks = [HELP + head + b"\n" + b"\n".join(filter(None, series)) for head, series in metrics.items()]
    return b"\n".join(blocks) + b"\n"
