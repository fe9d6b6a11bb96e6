"""The findings of a scenario, with their limits."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """A figure; `must` is empty if it has no limit."""

    what: str
    figure: str
    must: str = ""
    holds: bool = True

    def __str__(self) -> str:
        verdict = f"{self.must:>22}  {'ok' if self.holds else 'VIOLATED'}" if self.must else ""
        return f"  {self.what:52}{self.figure:>14}{verdict}".rstrip()


@dataclass
class Findings:
    """The lines of one scenario."""

    title: str
    lines: list[Line] = field(default_factory=list)

    def note(self, what: str, figure: object) -> None:
        """Record a figure without a limit."""
        self.lines.append(Line(what, _format(figure)))

    def none(self, what: str, number: float) -> None:
        """Record a number that must be 0."""
        self.lines.append(Line(what, _format(number), "must be 0", holds=number == 0))

    def at_most(self, what: str, figure: float, limit: float) -> None:
        """Record a figure with an upper limit."""
        self.lines.append(Line(what, _format(figure), f"at most {_format(limit)}", holds=figure <= limit))

    def exactly(self, what: str, figure: object, expected: object) -> None:
        """Record a figure with one valid value."""
        self.lines.append(Line(what, _format(figure), f"must be {_format(expected)}", holds=figure == expected))

    def violated(self) -> list[Line]:
        """Return the lines beyond their limits."""
        return [each for each in self.lines if not each.holds]

    def __str__(self) -> str:
        return "\n".join([self.title, *map(str, self.lines)])


def _format(figure: object) -> str:
    if isinstance(figure, float):
        return f"{figure:,.1f}"
    return f"{figure:,}" if isinstance(figure, int) else str(figure)
