"""Error messages of the commands."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import typer

from chat_sessions.errors import ChatSessionsError, DatabaseUnavailable
from chat_sessions.settings import ConfigurationError, Settings, load_settings
from chat_sessions.settings.environment import unknown_variables

REDIS_AWAY = (
    "Redis is unavailable. The service drains the outbox before it trusts its cache again, so it serves nothing "
    "outdated."
)


def settings_or_fail(options: Mapping[str, object] | None = None) -> Settings:
    """Return the settings, or exit with one line per missing, invalid or unknown variable.

    `options` come from the command line and override the environment.
    """
    try:
        return load_settings(options)
    except ConfigurationError as error:
        lines = [_unknown_variable(name, meant) for name, meant in unknown_variables(Settings.model_fields)]
        fail("\n".join(["Invalid configuration:", str(error), *lines]))


def _unknown_variable(name: str, meant: str | None) -> str:
    return f"{name}: no such setting" + (f"; did you mean {meant}?" if meant else "")


def fail(message: str) -> NoReturn:
    """Print an error and exit with 1."""
    typer.secho(message, fg="red", err=True)
    raise typer.Exit(1)


def warn(message: str) -> None:
    """Print a warning."""
    typer.secho(message, fg="yellow", err=True)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Exit with a message instead of a traceback when the database is unavailable or rejects a query."""
    try:
        yield
    except DatabaseUnavailable as error:
        cause = f" ({error.cause})" if error.cause else ""
        fail(f"{error.reason}{cause}\nRun `chat-sessions doctor` to find the cause.")
    except ChatSessionsError as error:
        fail(str(error))
    except Exception as error:
        # By module name, because only the store may import Prisma.
        if not type(error).__module__.startswith("prisma."):
            raise
        fail(f"Database error: {error}\nRun `chat-sessions doctor` to check whether it is migrated.")
