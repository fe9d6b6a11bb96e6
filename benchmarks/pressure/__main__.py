"""`make bench-pressure`: exits with 1 if a finding exceeds its limit."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial

from benchmarks.pressure import crowds, deletion, volume
from benchmarks.pressure.deployment import Deployment, deploy
from benchmarks.pressure.findings import Findings
from benchmarks.report import RESULTS
from benchmarks.soak.report import machine

SIZES = (30_000, 100_000)
MILLION = 1_000_000

Scenario = Callable[[Deployment], Coroutine[None, None, Findings]]

SCENARIOS: Mapping[str, Scenario] = {
    "sweeping": deletion.sweeping,
    **{f"delete-{size}": partial(deletion.large, sessions=size) for size in (*SIZES, MILLION)},
    "pages": volume.pages,
    "hoard": volume.hoard,
    "burst": volume.burst,
    "appends": crowds.appends,
    "searches": crowds.searches,
}


def run(scenario: Scenario) -> Findings:
    """Run a scenario on fresh servers."""
    with deploy() as deployment:
        return asyncio.run(scenario(deployment))


def main() -> None:
    """Run the scenarios, and print and save their findings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pressure", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=SCENARIOS, default=[])
    parser.add_argument("--million", action="store_true", help="also delete a million sessions by one call")
    given = parser.parse_args()
    usual = [each for each in SCENARIOS if given.million or each != f"delete-{MILLION}"]
    text = [machine()]
    print(*text, flush=True)
    violated = 0
    for name in given.only or usual:
        findings = run(SCENARIOS[name])
        text.append(f"\n{findings}")
        print(text[-1], flush=True)
        violated += len(findings.violated())
    text.append(f"\n{violated} violations.")
    file = RESULTS / f"pressure-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    file.write_text("\n".join(text) + "\n")
    print(text[-1], f"Written to {file}.")
    sys.exit(violated > 0)


if __name__ == "__main__":
    main()
