"""What the commands say when something is wrong: errors that tell what to do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import typer

from chat_sessions.errors import ChatSessionsError, DatabaseUnavailable
from chat_sessions.settings import ConfigurationError, Settings, load_settings
from chat_sessions.settings.environment import unknown_variables


def settings_or_fail(options: Mapping[str, object] | None = None) -> Settings:
    """Return the settings, or end the command with a line for each variable that is missing, wrong or unknown.

    `options` are those that the command line gives; they take precedence over the environment.
    """
    try:
        return load_settings(options)
    except ConfigurationError as error:
        lines = [f"{name}: {unknown_variable(meant)}" for name, meant in unknown_variables(Settings.model_fields)]
        fail("\n".join(["This configuration cannot be used:", str(error), *lines]))


def unknown_variable(meant: str | None) -> str:
    """Say that no setting has this name."""
    return "no such setting" + (f"; did you mean {meant}?" if meant else "")


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
        said = f" ({error.said})" if error.said else ""
        fail(f"{error.reason}{said}\n`chat-sessions doctor` looks for the reason.")
    except ChatSessionsError as error:
        fail(str(error))
    except Exception as error:
        # Who may not import Prisma knows its errors by their home.
        if not type(error).__module__.startswith("prisma."):
            raise
        fail(f"The database refused: {error}\n`chat-sessions doctor` tells whether it is migrated.")
