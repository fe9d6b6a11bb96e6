"""`make soak`: exits with 1 on any violation, logged error or memory leak."""

import argparse
import sys

from benchmarks.soak.faults import FAULTS
from benchmarks.soak.plan import Plan
from benchmarks.soak.report import write
from benchmarks.soak.run import soak


def main() -> None:
    """Run, print the report and exit with 1 if it failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--users", type=int, default=Plan.users)
    parser.add_argument("--giants", type=int, default=Plan.giants, help="concurrent accounts of 100,000 sessions")
    parser.add_argument("--actions-per-second", type=float, default=Plan.actions_per_second, help="across all users")
    parser.add_argument("--calm-seconds", type=float, default=Plan.calm_seconds, help="mean pause between two faults")
    parser.add_argument(
        "--faults", nargs="*", choices=FAULTS, default=list(FAULTS), help="none for a run without faults"
    )
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--name", default=Plan.name, help="base name of the files in benchmarks/results")
    given = parser.parse_args()
    plan = Plan(
        seconds=given.minutes * 60,
        faults=given.faults,
        users=given.users,
        giants=given.giants,
        actions_per_second=given.actions_per_second,
        calm_seconds=given.calm_seconds,
        seed=given.seed,
        name=given.name,
    )
    outcome = soak(plan)
    print(write(outcome, plan.name))
    sys.exit(outcome.failed())


if __name__ == "__main__":
    main()
