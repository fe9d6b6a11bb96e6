"""Progress of a long command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress(what: str, total: int, *, unit: int = 1) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances a progress bar in a terminal, or else prints a line every few seconds.

    `unit` steps are shown as one.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(what, total, unit).advance
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total // unit)
        yield lambda steps: bar.advance(task, steps / unit)


class _Lines:
    def __init__(self, what: str, total: int, unit: int) -> None:
        self._what = what
        self._total = total
        self._unit = unit
        self._done = 0
        self._due_at = monotonic() + SECONDS_BETWEEN_LINES

    def advance(self, steps: int) -> None:
        self._done += steps
        if monotonic() >= self._due_at:
            done, total = self._done // self._unit, self._total // self._unit
            typer.echo(f"{self._what}: {done:,} of {total:,}", err=True)
            self._due_at = monotonic() + SECONDS_BETWEEN_LINES
