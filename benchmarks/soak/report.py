"""What came of it: as Markdown for people, as JSON for comparisons."""

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
# Of those that lived all the time, once large accounts have come and gone; a shorter run says nothing.
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
        """Return the megabytes of each part, after two fifths of the time and in the end."""
        early, late = self.memory[int(len(self.memory) * WARM_UP)], self.memory[-1]
        return {part: (early.get(part, 0.0), late.get(part, 0.0)) for part in late}

    def grown(self) -> list[str]:
        """Return what has grown by more than it may."""
        growth = self.growth() if self.seconds >= SHORTEST_JUDGED else {}
        return [part for part in LASTING if part in growth and growth[part][1] > growth[part][0] * MOST_GROWTH]

    def failed(self) -> bool:
        """Whether there is anything that must not be."""
        return bool(self.tally.violated or self.grown() or self.log)


def written(outcome: Outcome, name: str) -> str:
    """Write both files and return the Markdown."""
    text = "\n\n".join(_sections(outcome)) + "\n"
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    file.with_suffix(".md").write_text(text)
    file.with_suffix(".json").write_text(json.dumps(_data(outcome), indent=2))
    return f"{text}\nWritten to {file}.md and .json."


def errors_in(log: Path) -> list[str]:
    """Return what the service has logged as an error: a bug, whatever else went wrong."""
    return [line for line in log.read_text().splitlines() if '"level": "error"' in line or "Traceback" in line]


def _sections(outcome: Outcome) -> list[str]:
    tally, minutes = outcome.tally, outcome.seconds / 60
    requests = sum(tally.answers.values())
    head = (
        f"{minutes:.1f} minutes, {outcome.users} users, {requests:,} requests, {len(tally.weather.spells)} faults, "
        f"**{sum(tally.violated.values())} violations**, {len(outcome.log)} errors in the service's log. "
        f"The users took {outcome.cpu_of_clients / outcome.seconds:.0%} of a core."
    )
    return [head, machine(), _violations(tally), _requests(tally), _weather(tally), _memory(outcome)]


def machine() -> str:
    """Name what it ran on, and which commit."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603  our own words
    return f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, commit {commit}."


def _violations(tally: Tally) -> str:
    rows = [(what, number) for what, number in tally.violated.most_common()] or [("none", 0)]
    told = [f"* {each.second} s, {each.weather}: {each.what}: {each.detail}" for each in tally.violations[:20]]
    return "\n".join([_table(("violation", "number"), rows), *([""] if told else []), *told])


def _requests(tally: Tally) -> str:
    operations: dict[str, Counter[str]] = {}
    for (operation, outcome), number in sorted(tally.answers.items()):
        operations.setdefault(operation, Counter())[outcome] += number
    rows = [
        (operation, sum(outcomes.values()), ", ".join(f"{outcome}: {number:,}" for outcome, number in outcomes.items()))
        for operation, outcomes in operations.items()
    ]
    events = ", ".join(f"{event}: {number:,}" for event, number in tally.events.most_common())
    return _table(("call", "requests", "answers"), rows) + f"\n\nHeard from the feed: {events or 'nothing'}."


def _weather(tally: Tally) -> str:
    rows = []
    for weather in [CALM, *dict.fromkeys(each.fault for each in tally.weather.spells)]:
        spells = [each for each in tally.weather.spells if each.fault == weather]
        lasted = f"{sum(each.ended - each.began for each in spells) / len(spells):.1f}" if spells else ""
        times = sorted(tally.latencies.get(weather, ()))
        told = {what: number for (what, when), number in tally.troubles.items() if when == weather}
        troubles = ", ".join(f"{what}: {number:,}" for what, number in told.items())
        rows.append((weather, len(spells) or "", lasted, len(times), *_quantiles(times), troubles))
    return _table(("weather", "times", "mean s", "requests", "p50 ms", "p95", "p99", "most", "not answered"), rows)


def _quantiles(times: Sequence[float]) -> list[str]:
    return [f"{times[min(len(times) - 1, int(len(times) * each))] * 1000:.1f}" if times else "" for each in QUANTILES]


def _memory(outcome: Outcome) -> str:
    rows = [
        (
            part,
            f"{early:.0f}",
            f"{late:.0f}",
            f"{late / early:.2f}" if early else "",
            "grown" if part in outcome.grown() else "",
        )
        for part, (early, late) in sorted(outcome.growth().items())
    ]
    return _table(("memory, MB", "after two fifths", "in the end", "ratio", ""), rows)


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
        "answers": {" ".join(key): number for key, number in tally.answers.items()},
        "troubles": {", ".join(key): number for key, number in tally.troubles.items()},
        "events": tally.events,
        "faults": [{**asdict(each), "tolerates": sorted(each.tolerates)} for each in tally.weather.spells],
        "latency ms": {
            weather: dict(zip(map(str, QUANTILES), _quantiles(sorted(times)), strict=True))
            for weather, times in tally.latencies.items()
        },
        "memory": list(outcome.memory),
        "log": list(outcome.log),
    }
