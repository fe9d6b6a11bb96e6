"""Counts responses, failures and violations, by the fault during which they happened."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

CALM = "calm"
# Further ones are only counted.
MAX_VIOLATIONS_LISTED = 200


@dataclass
class FaultPeriod:
    """A fault, from before its injection until the recovery."""

    fault: str
    tolerates: frozenset[str]
    began: float
    ended: float = float("inf")


class FaultLog:
    """The faults of the run."""

    def __init__(self) -> None:
        self.periods: list[FaultPeriod] = []

    @contextmanager
    def of(self, fault: str, tolerates: frozenset[str]) -> Iterator[None]:
        """Record a fault that tolerates these outcomes during the block."""
        period = FaultPeriod(fault, tolerates, monotonic())
        self.periods.append(period)
        yield
        period.ended = monotonic()

    def since(self, began: float) -> Sequence[FaultPeriod]:
        """Return the faults that overlap with something that began then."""
        return [each for each in self.periods if each.ended >= began]


class Violation(NamedTuple):
    """A broken promise of the service."""

    second: float
    what: str
    detail: str
    fault: str


class Tally:
    """The counts of all users."""

    def __init__(self, fault_log: FaultLog) -> None:
        self.began = monotonic()
        self.faults = fault_log
        self.responses: Counter[tuple[str, str]] = Counter()
        self.failures: Counter[tuple[str, str]] = Counter()
        self.events: Counter[str] = Counter()
        self.latencies: dict[str, array[float]] = defaultdict(lambda: array("d"))
        self.violated: Counter[str] = Counter()
        self.violations: list[Violation] = []

    def add_response(self, operation: str, outcome: str, began: float) -> None:
        """Count a response by its status, or by the failure that prevented it."""
        self.responses[operation, outcome] += 1
        self.latencies[self._fault(began)].append(monotonic() - began)

    def add_event(self, event: str) -> None:
        """Count an event of the feed."""
        self.events[event] += 1

    def add_failure(self, operation: str, outcome: str, began: float) -> None:
        """Count a failure; it is a violation unless a fault tolerates it."""
        self.failures[outcome, self._fault(began)] += 1
        if not any(outcome in period.tolerates for period in self.faults.since(began)):
            self.add_violation(f"{outcome} without a fault that tolerates it", operation, began)

    def add_violation(self, what: str, detail: object = "", began: float | None = None) -> None:
        """Count a violation."""
        now = monotonic()
        self.violated[what] += 1
        if len(self.violations) < MAX_VIOLATIONS_LISTED:
            at = round(now - self.began, 3)
            self.violations.append(Violation(at, what, str(detail)[:500], self._fault(began or now)))

    def _fault(self, began: float) -> str:
        periods = self.faults.since(began)
        return periods[-1].fault if periods else CALM
