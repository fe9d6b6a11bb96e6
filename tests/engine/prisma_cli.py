"""Prisma's own CLI, a development dependency, to compare our migrations with."""

import re
import subprocess

from chat_sessions.store.migrations import MIGRATIONS, SCHEMA
from chat_sessions.store.prisma.node import ENGINE_DIR, child_environment, find_node

#: The exit code of `migrate diff --exit-code` when there is a difference.
DIFFERENT = 2


def prisma_migrate(database_url: str, *arguments: str, may_end_with: int = 0) -> str:
    """Run `prisma migrate`, and return its output."""
    program = str(ENGINE_DIR / "node_modules" / "prisma" / "build" / "index.js")
    done = subprocess.run(  # noqa: S603 - our own command
        [find_node(), program, "migrate", *arguments, "--config", "drift/prisma.config.mjs"],
        cwd=ENGINE_DIR,
        env=child_environment() | {"CHAT_DATABASE_URL": database_url, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode in {0, may_end_with}, done.stdout
    return done.stdout


def drift(database_url: str) -> str:
    """Return how schema.prisma differs from the sum of the migrations: "" if it does not.

    The migrations are applied to a temporary database on this server.
    """
    compared = ("--from-migrations", str(MIGRATIONS), "--to-schema-datamodel", str(SCHEMA), "--exit-code")
    output = prisma_migrate(database_url, "diff", *compared, may_end_with=DIFFERENT)
    return "" if re.search(r"^No difference detected\.", output, re.MULTILINE) else output
