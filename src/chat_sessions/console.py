"""What the commands say: errors that tell what to do, and how far they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chat_sessions.errors import ChatSessionsError, DatabaseUnavailable
from chat_sessions.settings import ConfigurationError, Settings, load_settings

# In a log file that nobody watches.
SECONDS_BETWEEN_LINES = 5.0


def settings_or_fail() -> Settings:
    """Return the settings, or end the command with a line for each variable that is wrong."""
    try:
        return load_settings()
    except ConfigurationError as error:
        fail(f"The configuration is not complete:\n{error}")


def fail(message: str) -> NoReturn:
    """End the command."""
    typer.secho(message, fg="red", err=True)
    raise typer.Exit(1)


def warn(message: str) -> None:
    """Say what an operator has to know, and go on."""
    typer.secho(message, fg="yellow", err=True)


@contextmanager
def explained() -> Iterator[None]:
    """End the command with a message instead of a traceback when the database is away or not as expected."""
    try:
        yield
    except DatabaseUnavailable as error:
        cause = f" ({error.__cause__})" if error.__cause__ is not None and str(error.__cause__) else ""
        fail(f"{error}{cause}\n`chat-sessions doctor` looks for the reason.")
    except ChatSessionsError as error:
        fail(str(error))
    except Exception as error:
        # Who may not import Prisma knows its errors by their home.
        if not type(error).__module__.startswith("prisma."):
            raise
        fail(f"The database refused: {error}\n`chat-sessions doctor` tells whether it is migrated.")


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Hand out a function that hears of each step: a bar in a terminal, else a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(what, total).advance
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


class _Lines:
    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._due_at = monotonic() + SECONDS_BETWEEN_LINES

    def advance(self, steps: int) -> None:
        self._done += steps
        if monotonic() >= self._due_at:
            typer.echo(f"{self._what}: {self._done:,} of {self._total:,}", err=True)
            self._due_at = monotonic() + SECONDS_BETWEEN_LINES
