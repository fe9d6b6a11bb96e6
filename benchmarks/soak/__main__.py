"""`make soak`: exits with 1 if anything was seen that must never be."""

import argparse
import sys

from benchmarks.soak.faults import FAULTS
from benchmarks.soak.plan import Plan
from benchmarks.soak.report import written
from benchmarks.soak.run import soak


def main() -> None:
    """Run, print what came of it, and say whether it was good."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--users", type=int, default=Plan.users)
    parser.add_argument("--giants", type=int, default=Plan.giants, help="accounts of 100,000 sessions, at any time")
    parser.add_argument("--actions-per-second", type=float, default=Plan.actions_per_second, help="of all users")
    parser.add_argument("--calm-seconds", type=float, default=Plan.calm_seconds, help="between two faults, about")
    parser.add_argument("--faults", nargs="*", choices=FAULTS, default=list(FAULTS), help="none for a calm run")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--name", default=Plan.name, help="of the files in benchmarks/results")
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
    print(written(outcome, plan.name))
    sys.exit(outcome.failed())


if __name__ == "__main__":
    main()
