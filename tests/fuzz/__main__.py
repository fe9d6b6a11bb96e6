"""`make fuzz`: test_fuzz.py with a random seed and any duration."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from chat_sessions.dev.embedded import temporary_servers
from chat_sessions.settings import Settings
from chat_sessions.store.migrations import migrate_deploy
from tests.fuzz.run import fuzz
from tests.process import serving
from tests.service import SECRET


async def main(settings: Settings, *options: str) -> int:
    """Return the exit code of schemathesis."""
    with tempfile.TemporaryDirectory(prefix="chat-sessions-") as folder:
        async with serving(settings) as service:
            outcome = await fuzz(service.url, Path(folder), *options)
    sys.stdout.write(outcome.printed)
    return outcome.exit_code


def options() -> list[str]:
    """Return the options for schemathesis, or print the help."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        usage="%(prog)s [-h] [OPTION ...]",
        description="Fuzz a service of its own, on temporary servers, with valid and invalid requests of two users.",
        epilog="Every OPTION is one of `schemathesis run`, such as --max-time=SECONDS, --seed=N or --phases=coverage.",
    )
    return parser.parse_known_args()[1]


if __name__ == "__main__":
    given = options()
    with temporary_servers() as (postgres, redis):
        migrate_deploy(postgres.url)
        environment = {
            "database_url": postgres.url,
            "redis_url": redis.url,
            "jwt_secret": SECRET,
            # One line per request would hide the errors.
            "log_level": "warning",
        }
        sys.exit(asyncio.run(main(Settings.model_validate(environment), *given)))
