"""Prints the table of a benchmark, and writes it as JSON."""

import json
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from benchmarks.load import Burst
from benchmarks.paths import Contestant, Row

RESULTS = Path(__file__).with_name("results")
PARTS = ("service", "engine", "postgres", "redis")
HEAD = (
    f"{'':18}{'rps':>8}{'p50 ms':>8}{'p99 ms':>8}  {'CPU us/request: ' + ', '.join(PARTS):43}"
    f"{'ratio':>6}{'must':>7}{'aim':>5}"
)


class Measured(Protocol):
    """A burst, and its CPU seconds by part."""

    @property
    def burst(self) -> Burst:
        """The result of the load generator."""

    @property
    def cpu(self) -> Mapping[str, float]:
        """CPU seconds by part."""


Results = Mapping[tuple[str, Contestant], Sequence[Measured]]


def report(rows: Sequence[Row], results: Results, facts: Mapping[str, float]) -> None:
    """Print the table and write the JSON."""
    print(HEAD)
    lines = []
    for row in rows:
        ours, theirs = results[row.name, row.service], results[row.name, row.baseline]
        # The bursts of a pair ran back to back, so other load on the machine affected both.
        ratio = median(our.burst.rps / their.burst.rps for our, their in zip(ours, theirs, strict=True))
        verdict = "aim" if ratio >= row.aim else "pass" if ratio >= row.must else "FAIL"
        print(f"{row.name}")
        print(_line(row.baseline, theirs))
        print(f"{_line(row.service, ours)}{ratio:6.2f}{row.must:7.1f}{row.aim:5.1f}  {verdict}")
        lines.append({**row._asdict(), "ratio": ratio, "verdict": verdict, "ours": _all(ours), "theirs": _all(theirs)})
    for name, value in facts.items():
        print(f"{name}: {value:.2f}")
    for verdict in _verdicts(facts):
        print(verdict)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    machine = {"python": platform.python_version(), "machine": platform.platform()}
    file.write_text(json.dumps({**machine, "rows": lines, "facts": dict(facts)}, indent=2))
    print(f"Written to {file}.")


def _verdicts(facts: Mapping[str, float]) -> list[str]:
    memory = facts["service after"] + facts["engine after"]
    growth = memory / (facts["service before"] + facts["engine before"])
    return [
        _verdict("memory of a worker with its engine, MB", memory, must=200, aim=150),
        _verdict("memory growth under load", growth, must=1.05, aim=1.05),
        _verdict("cold start to the first response, s", facts["cold start s"], must=0.9, aim=0.7),
    ]


def _verdict(name: str, value: float, must: float, aim: float) -> str:
    verdict = "aim" if value <= aim else "pass" if value <= must else "FAIL"
    return f"{name}: {value:.2f} (must {must}, aim {aim}): {verdict}"


def _line(name: str, measured: Sequence[Measured]) -> str:
    bursts = [each.burst for each in measured]
    rps, p50, p99 = (median(getattr(each, what) for each in bursts) for what in ("rps", "p50_ms", "p99_ms"))
    costs = [median(each.cpu[part] / each.burst.requests * 1e6 for each in measured) for part in PARTS]
    failed = sum(each.failed for each in bursts)
    columns = "".join(f"{cost:9.0f}" for cost in costs)
    return f"  {name:16}{rps:8.0f}{p50:8.1f}{p99:8.1f}  {columns:43}" + (f" {failed} FAILED" if failed else "")


def _all(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    return [{**vars(each.burst), "cpu": dict(each.cpu)} for each in measured]
