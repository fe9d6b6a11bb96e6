"""What a scenario has found, line by line, and whether it may be so."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """A figure; `must` is empty where it is only told."""

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

    def tell(self, what: str, figure: object) -> None:
        """Note a figure without judging it."""
        self.lines.append(Line(what, _written(figure)))

    def none(self, what: str, number: float) -> None:
        """Note a number that must be 0."""
        self.lines.append(Line(what, _written(number), "must be 0", holds=number == 0))

    def at_most(self, what: str, figure: float, limit: float) -> None:
        """Note a figure that has a limit."""
        self.lines.append(Line(what, _written(figure), f"at most {_written(limit)}", holds=figure <= limit))

    def exactly(self, what: str, figure: object, expected: object) -> None:
        """Note what must be this and nothing else."""
        self.lines.append(Line(what, _written(figure), f"must be {_written(expected)}", holds=figure == expected))

    def violated(self) -> list[Line]:
        """Return what must not be so."""
        return [each for each in self.lines if not each.holds]

    def __str__(self) -> str:
        return "\n".join([self.title, *map(str, self.lines)])


def _written(figure: object) -> str:
    if isinstance(figure, float):
        return f"{figure:,.1f}"
    return f"{figure:,}" if isinstance(figure, int) else str(figure)
