"""What was asked, what came of it in which weather, and what must not have been."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

CALM = "calm"
# The rest is counted only: what goes wrong once goes wrong often.
MOST_VIOLATIONS_TOLD = 200


@dataclass
class Spell:
    """A fault, from before it is injected until all is well again."""

    fault: str
    tolerates: frozenset[str]
    began: float
    ended: float = float("inf")


class Weather:
    """Which faults there were, and when."""

    def __init__(self) -> None:
        self.spells: list[Spell] = []

    @contextmanager
    def of(self, fault: str, tolerates: frozenset[str]) -> Iterator[None]:
        """Be in a fault, during which only these outcomes are excused."""
        spell = Spell(fault, tolerates, monotonic())
        self.spells.append(spell)
        yield
        spell.ended = monotonic()

    def since(self, began: float) -> Sequence[Spell]:
        """Return the faults that something which began then has met."""
        return [each for each in self.spells if each.ended >= began]


class Violation(NamedTuple):
    """Something that must never be."""

    second: float
    what: str
    detail: str
    weather: str


class Tally:
    """Counts for all users."""

    def __init__(self, weather: Weather) -> None:
        self.began = monotonic()
        self.weather = weather
        self.answers: Counter[tuple[str, str]] = Counter()
        self.troubles: Counter[tuple[str, str]] = Counter()
        self.events: Counter[str] = Counter()
        self.latencies: dict[str, array[float]] = defaultdict(lambda: array("d"))
        self.violated: Counter[str] = Counter()
        self.violations: list[Violation] = []

    def answered(self, operation: str, outcome: str, began: float) -> None:
        """Count an answer: its status, or the name of what came instead of one."""
        self.answers[operation, outcome] += 1
        self.latencies[self._weather(began)].append(monotonic() - began)

    def heard(self, event: str) -> None:
        """Count an event of a stream."""
        self.events[event] += 1

    def trouble(self, operation: str, outcome: str, began: float) -> None:
        """Count an answer that a fault may excuse; without such a fault it is a violation."""
        self.troubles[outcome, self._weather(began)] += 1
        if not any(outcome in spell.tolerates for spell in self.weather.since(began)):
            self.violation(f"{outcome} without a fault that excuses it", operation, began)

    def violation(self, what: str, detail: object = "", began: float | None = None) -> None:
        """Count something that must never be."""
        now = monotonic()
        self.violated[what] += 1
        if len(self.violations) < MOST_VIOLATIONS_TOLD:
            at = round(now - self.began, 3)
            self.violations.append(Violation(at, what, str(detail)[:500], self._weather(began or now)))

    def _weather(self, began: float) -> str:
        spells = self.weather.since(began)
        return spells[-1].fault if spells else CALM
