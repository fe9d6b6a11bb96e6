"""Parse /metrics into numbers."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """One response of /metrics, which must be well-formed."""

    def __init__(self, text: str) -> None:
        self.metrics: list[Metric] = list(text_string_to_metric_families(text))
        names = [metric.name for metric in self.metrics]
        assert len(names) == len(set(names)), "all series of a metric must be adjacent"

    def series(self, name: str, **labels: str) -> Iterator[tuple[Mapping[str, str], float]]:
        """Yield the labels and the value of each series that has these labels."""
        for metric in self.metrics:
            for sample in metric.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    yield sample.labels, sample.value

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of the series with these labels, of a metric that must exist."""
        assert any(name.startswith(metric.name) for metric in self.metrics), f"there is no metric {name}"
        return sum(value for _, value in self.series(name, **labels))

    def by_worker(self, name: str, **labels: str) -> dict[str | None, float]:
        found: dict[str | None, float] = {}
        for own, value in self.series(name, **labels):
            worker = own.get("worker")
            found[worker] = found.get(worker, 0) + value
        return found


async def scrape(client: Any) -> Scrape:  # noqa: ANN401  an httpx client, or a Caller
    http: httpx.AsyncClient = getattr(client, "http", client)
    response = await http.get("/metrics")
    assert response.status_code == 200
    return Scrape(response.text)
