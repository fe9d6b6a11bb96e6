"""The commands as an operator gives them, in this process, beside the running service."""

import asyncio
import os
from collections.abc import Mapping

from typer.testing import CliRunner, Result

from chat_sessions.cli import app
from chat_sessions.settings import Settings
from chat_sessions.telemetry.logs import configure_logging


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that these settings come from, as far as tests set them."""
    assert settings.jwt_secret
    return {
        "CHAT_DATABASE_URL": settings.database_url.get_secret_value(),
        "CHAT_REDIS_URL": settings.redis_url.get_secret_value(),
        "CHAT_JWT_SECRET": settings.jwt_secret.get_secret_value(),
    }


class Operator:
    """Runs commands with one configuration."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def run(self, *arguments: str, stdin: str | bytes | None = None, **changes: str | None) -> Result:
        """Run a command; `changes` are variables, in which None is one that is not set."""
        # What the machine has set is not to be seen by a test.
        nothing = dict.fromkeys(name for name in os.environ if name.startswith("CHAT_"))
        env: Mapping[str, str | None] = {**nothing, **environment(self._settings), **changes}
        try:
            return await asyncio.to_thread(CliRunner().invoke, app, arguments, input=stdin, env=env)
        finally:
            configure_logging(self._settings)

    async def succeed(self, *arguments: str, stdin: str | bytes | None = None, **changes: str | None) -> Result:
        result = await self.run(*arguments, stdin=stdin, **changes)
        assert result.exit_code == 0, result.output
        return result

    async def fail(self, *arguments: str, stdin: str | bytes | None = None, **changes: str | None) -> Result:
        """Run a command that ends with 1, in words and not with a traceback."""
        result = await self.run(*arguments, stdin=stdin, **changes)
        assert result.exit_code == 1, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result
