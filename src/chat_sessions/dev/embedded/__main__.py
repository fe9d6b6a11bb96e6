"""`python -m chat_sessions.dev.embedded COMMAND …` runs a command with a temporary Postgres and Redis."""

import argparse
import os
import shutil
import signal
import subprocess
import sys

from chat_sessions.dev.embedded import temporary_servers


def main() -> None:
    """Run a command with CHAT_DATABASE_URL and CHAT_REDIS_URL set to temporary servers."""
    parser = argparse.ArgumentParser(prog="python -m chat_sessions.dev.embedded", description=main.__doc__)
    parser.add_argument("command", nargs="+")
    command = parser.parse_args().command
    if shutil.which(command[0]) is None:
        parser.error(f"there is no command {command[0]}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with temporary_servers() as (database, cache):
        addresses = {"CHAT_DATABASE_URL": database.url, "CHAT_REDIS_URL": cache.url}
        sys.exit(subprocess.call(command, env=os.environ | addresses))  # noqa: S603  the developer's command


if __name__ == "__main__":
    main()
