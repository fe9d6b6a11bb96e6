"""Reports a soak as Markdown and as JSON."""

import json
import os
import platform
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT
from benchmarks.report import RESULTS
from benchmarks.soak.tally import CALM, Tally

QUANTILES = (0.5, 0.95, 0.99, 1.0)
# Growth counts only for processes that ran all the time, after a warm-up, and in runs that are long enough.
WARM_UP = 0.4
LASTING = ("worker 1", "engine 1")
MOST_GROWTH = 1.15
SHORTEST_JUDGED = 600


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    seconds: float
    users: int
    cpu_of_clients: float
    tally: Tally
    memory: Sequence[Mapping[str, float]]
    log: Sequence[str]

    def growth(self) -> dict[str, tuple[float, float]]:
        """Return the megabytes by part, after two fifths of the time and at the end."""
        early, late = self.memory[int(len(self.memory) * WARM_UP)], self.memory[-1]
        return {part: (early.get(part, 0.0), late.get(part, 0.0)) for part in late}

    def leaking(self) -> list[str]:
        """Return the parts that have grown by more than MOST_GROWTH."""
        growth = self.growth() if self.seconds >= SHORTEST_JUDGED else {}
        return [part for part in LASTING if part in growth and growth[part][1] > growth[part][0] * MOST_GROWTH]

    def failed(self) -> bool:
        """Return whether there is any violation, leak or logged error."""
        return bool(self.tally.violated or self.leaking() or self.log)


def write(outcome: Outcome, name: str) -> str:
    """Write both files and return the Markdown."""
    text = "\n\n".join(_sections(outcome)) + "\n"
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    file.with_suffix(".md").write_text(text)
    file.with_suffix(".json").write_text(json.dumps(_data(outcome), indent=2))
    return f"{text}\nWritten to {file}.md and .json."


def read_errors(log: Path) -> list[str]:
    """Return the service's logged errors, which no fault excuses."""
    return [line for line in log.read_text().splitlines() if '"level": "error"' in line or "Traceback" in line]


def _sections(outcome: Outcome) -> list[str]:
    tally, minutes = outcome.tally, outcome.seconds / 60
    requests = sum(tally.responses.values())
    head = (
        f"{minutes:.1f} minutes, {outcome.users} users, {requests:,} requests, {len(tally.faults.periods)} faults, "
        f"**{sum(tally.violated.values())} violations**, {len(outcome.log)} errors in the service's log. "
        f"The simulated users used {outcome.cpu_of_clients / outcome.seconds:.0%} of a core."
    )
    return [head, machine(), _violations(tally), _requests(tally), _faults(tally), _memory(outcome)]


def machine() -> str:
    """Describe the machine and the commit."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603  our own arguments
    return f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, commit {commit}."


def _violations(tally: Tally) -> str:
    rows = [(what, number) for what, number in tally.violated.most_common()] or [("none", 0)]
    listed = [f"* {each.second} s, {each.fault}: {each.what}: {each.detail}" for each in tally.violations[:20]]
    return "\n".join([_table(("violation", "number"), rows), *([""] if listed else []), *listed])


def _requests(tally: Tally) -> str:
    operations: dict[str, Counter[str]] = {}
    for (operation, outcome), number in sorted(tally.responses.items()):
        operations.setdefault(operation, Counter())[outcome] += number
    rows = [
        (operation, sum(outcomes.values()), ", ".join(f"{outcome}: {number:,}" for outcome, number in outcomes.items()))
        for operation, outcomes in operations.items()
    ]
    events = ", ".join(f"{event}: {number:,}" for event, number in tally.events.most_common())
    return _table(("call", "requests", "responses"), rows) + f"\n\nEvents of the feed: {events or 'nothing'}."


def _faults(tally: Tally) -> str:
    rows = []
    for fault in [CALM, *dict.fromkeys(each.fault for each in tally.faults.periods)]:
        periods = [each for each in tally.faults.periods if each.fault == fault]
        lasted = f"{sum(each.ended - each.began for each in periods) / len(periods):.1f}" if periods else ""
        times = sorted(tally.latencies.get(fault, ()))
        counts = {what: number for (what, when), number in tally.failures.items() if when == fault}
        failures = ", ".join(f"{what}: {number:,}" for what, number in counts.items())
        rows.append((fault, len(periods) or "", lasted, len(times), *_quantiles(times), failures))
    return _table(("fault", "times", "mean s", "requests", "p50 ms", "p95", "p99", "max", "failures"), rows)


def _quantiles(times: Sequence[float]) -> list[str]:
    return [f"{times[min(len(times) - 1, int(len(times) * each))] * 1000:.1f}" if times else "" for each in QUANTILES]


def _memory(outcome: Outcome) -> str:
    rows = [
        (
            part,
            f"{early:.0f}",
            f"{late:.0f}",
            f"{late / early:.2f}" if early else "",
            "leaking" if part in outcome.leaking() else "",
        )
        for part, (early, late) in sorted(outcome.growth().items())
    ]
    return _table(("memory, MB", "after two fifths", "at the end", "ratio", ""), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join(f"| {' | '.join(map(_cell, each))} |" for each in (head, ["---"] * len(head), *rows))


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _data(outcome: Outcome) -> dict[str, Any]:
    tally = outcome.tally
    return {
        "machine": machine(),
        "seconds": outcome.seconds,
        "users": outcome.users,
        "violated": tally.violated,
        "violations": [each._asdict() for each in tally.violations],
        "responses": {" ".join(key): number for key, number in tally.responses.items()},
        "failures": {", ".join(key): number for key, number in tally.failures.items()},
        "events": tally.events,
        "faults": [{**asdict(each), "tolerates": sorted(each.tolerates)} for each in tally.faults.periods],
        "latency ms": {
            fault: dict(zip(map(str, QUANTILES), _quantiles(sorted(times)), strict=True))
            for fault, times in tally.latencies.items()
        },
        "memory": list(outcome.memory),
        "log": list(outcome.log),
    }
