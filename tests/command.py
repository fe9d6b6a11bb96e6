"""Run operator commands in this process, beside the running service."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from unittest.mock import patch

from typer.testing import CliRunner, Result

from chat_sessions.cli import app
from chat_sessions.operator import workbench
from chat_sessions.operator.doctor import cache
from chat_sessions.operator.doctor.configuration import SettingErrors
from chat_sessions.operator.doctor.findings import Finding
from chat_sessions.operator.workbench import Workbench
from chat_sessions.settings import Settings
from chat_sessions.settings.environment import variable_of
from chat_sessions.telemetry.logs import configure_logging
from tests.waiting import PATIENT_SECONDS


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables for these settings."""
    assert settings.jwt_secret
    return {
        "CHAT_DATABASE_URL": settings.database_url.get_secret_value(),
        "CHAT_REDIS_URL": settings.redis_url.get_secret_value(),
        "CHAT_JWT_SECRET": settings.jwt_secret.get_secret_value(),
    }


def patient(settings: Settings) -> Settings:
    """Let a command wait longer than production allows: a busy machine must not look like a slow Redis."""
    return settings.model_copy(update={"redis_timeout": PATIENT_SECONDS})


async def examine_patiently(
    settings: Settings, errors: SettingErrors, examine: Callable[..., Awaitable[list[Finding]]] = cache.redis
) -> list[Finding]:
    return await examine(patient(settings), errors)


def opened_patiently(
    settings: Settings, opened: Callable[..., AbstractAsyncContextManager[Workbench]] = workbench.opened
) -> AbstractAsyncContextManager[Workbench]:
    return opened(patient(settings))


class Operator:
    """Runs commands with one configuration."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def run(self, *arguments: str, stdin: str | bytes | None = None, **changes: str | None) -> Result:
        """Run a command; `changes` override variables, and None unsets one."""
        # Also those that the command sets, so that they are unset afterwards.
        nothing = dict.fromkeys(map(variable_of, Settings.model_fields))
        env: Mapping[str, str | None] = {**nothing, **environment(self._settings), **changes}
        try:
            with (
                patch.object(cache, "redis", examine_patiently),
                patch.object(workbench, "opened", opened_patiently),
            ):
                return await asyncio.to_thread(CliRunner().invoke, app, arguments, input=stdin, env=env)
        finally:
            configure_logging(self._settings)

    async def succeed(self, *arguments: str, stdin: str | bytes | None = None, **changes: str | None) -> Result:
        result = await self.run(*arguments, stdin=stdin, **changes)
        assert result.exit_code == 0, result.output
        return result

    async def fail(self, *arguments: str, stdin: str | bytes | None = None, **changes: str | None) -> Result:
        """Run a command that exits with 1 and an error message, without a traceback."""
        result = await self.run(*arguments, stdin=stdin, **changes)
        assert result.exit_code == 1, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result
