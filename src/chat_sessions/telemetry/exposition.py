"""Renders /metrics: this worker's, its query engine's, and those of the host's other workers."""

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
from chat_sessions.telemetry.peers import WorkerSocket, worker_socket
from chat_sessions.telemetry.served import ServedRequests

HELP = b"# HELP "
NO_PROCESS = "none"


class EngineMetrics(Protocol):
    """What metrics need of the query engine."""

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""

    @property
    def restarts(self) -> int:
        """The number of restarts after a crash."""

    @property
    def waiting(self) -> int:
        """The number of calls in progress."""

    async def usage(self) -> dict[str, int] | None:
        """Return the connections by state, or None if the engine does not respond in time."""


class EngineCollector(Collector):
    """The query engine's metrics. Its process is inspected from outside, because it may be dead or hang."""

    def __init__(self, engine: EngineMetrics) -> None:
        self._engine = engine
        self._usage: dict[str, int] | None = None
        self._process = ProcessCollector("chat_engine", lambda: engine.pid or NO_PROCESS, registry=None)

    async def refresh(self) -> None:
        """Fetch the connection counts from the engine."""
        self._usage = await self._engine.usage()

    @override
    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily("chat_engine_restarts", "Restarts of the query engine.", value=self._engine.restarts)
        yield GaugeMetricFamily(
            "chat_engine_calls_waiting", "Query engine calls in progress.", value=self._engine.waiting
        )
        connections = GaugeMetricFamily(
            "chat_database_connections", "Postgres connections by state: busy, idle.", labels=["state"]
        )
        queue = GaugeMetricFamily("chat_database_connections_awaited", "Queries waiting for a free connection.")
        if self._usage is not None:
            for state in ("busy", "idle"):
                connections.add_metric([state], self._usage[state])
            queue.add_metric([], self._usage["waiting"])
        yield from (connections, queue)
        yield from self._process.collect()


class Exposition:
    """Renders the metrics. Each worker counts in its own memory; a scrape collects them all."""

    def __init__(self, metrics: Metrics, served: ServedRequests, engine: EngineMetrics, folder: Path | None) -> None:
        self._metrics = metrics
        self._served = served
        self._engine = EngineCollector(engine)
        self._folder = folder
        self._socket: WorkerSocket | None = None
        metrics.registry.register(self._engine)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Serve the other workers' requests during the block."""
        if self._folder is None:
            yield
            return
        async with worker_socket(self._folder, self._serve_peer) as self._socket:
            yield

    async def render(self) -> bytes:
        """Return the metrics of all workers; those that time out are missing, and counted."""
        if self._socket is None:
            return await self._render_own()
        others, silent = await self._socket.read_peers()
        self._metrics.silent_workers.set(silent)
        return merge([await self._render_own(), *others])

    async def _render_own(self) -> bytes:
        await self._engine.refresh()
        self._served.flush()
        if self._socket is None:
            return generate_latest(self._metrics.registry)
        return generate_latest(LabelledRegistry(self._metrics.registry, str(self._socket.number)))

    async def _serve_peer(self, _reader: StreamReader, writer: StreamWriter) -> None:
        try:
            writer.write(await self._render_own())
            await writer.drain()
        finally:
            writer.close()


class LabelledRegistry(Collector):
    """Adds the label `worker` to every series."""

    def __init__(self, registry: CollectorRegistry, worker: str) -> None:
        self._registry = registry
        self._worker = worker

    @override
    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [each._replace(labels={**each.labels, "worker": self._worker}) for each in metric.samples]
            yield metric


def merge(expositions: Sequence[bytes]) -> bytes:
    """Merge expositions; the format requires all series of a metric together, below its HELP and TYPE."""
    metrics: dict[bytes, list[bytes]] = {}
    for each in expositions:
        for block in (b"\n" + each).split(b"\n" + HELP)[1:]:
            description, _, rest = block.partition(b"\n")
            kind, _, series = rest.partition(b"\n")
            metrics.setdefault(description + b"\n" + kind, []).append(series.strip(b"\n"))
    blocks = [HELP + head + b"\n" + b"\n".join(filter(None, series)) for head, series in metrics.items()]
    return b"\n".join(blocks) + b"\n"
