"""Brings a database up to date with migrations/, by Prisma's own CLI in Node (see engine/migrate.mjs)."""

import re
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from chat_sessions.bridge.node import ENGINE_DIR, child_environment, find_node
from chat_sessions.errors import DatabaseUnavailable, MigrationFailed

#: The exit codes of engine/migrate.mjs and of `migrate diff --exit-code`.
UNREACHABLE = 69
DIFFERENT = 2

SCHEMA = ENGINE_DIR.parent / "schema.prisma"
MIGRATIONS = ENGINE_DIR.parent / "migrations"

#: What the CLI says of its configuration before it comes to the point.
PREAMBLE = re.compile(
    r"\A.*?(?=^(?:\d+ migrations?|No migrations?) found)"
    r"|^(?:Loaded Prisma config|Prisma config detected|Prisma schema loaded).*?$",
    re.MULTILINE | re.DOTALL,
)
#: Their lock belongs to a session; a pooler gives the session to the next one, and the lock with it.
POOLED = (
    "Migrations cannot go through a pooler of transactions (pgbouncer=true in the URL). Give them the address of "
    "Postgres itself: `chat-sessions migrate --database-url postgresql://…`."
)
TRACE = re.compile(r"^ +(?:\d+: |with |at ).*\n?", re.MULTILINE)


def migrate_deploy(database_url: str, migrations: Path = MIGRATIONS) -> str:
    """Apply what is missing and tell what was done. Several may run at once: they wait for each other.

    Raise DatabaseUnavailable when nothing could be tried, MigrationFailed when Postgres refused: that migration left
    nothing behind, but is noted as failed, and blocks the next ones until `migrate resolve`.
    """
    done = _prisma(database_url, migrations, "deploy")
    if done.returncode:
        raise _failure(done)
    return _readable(done.stdout)


def drift(database_url: str) -> str:
    """Tell in what schema.prisma differs from the sum of the migrations: "" when in nothing.

    They are applied to a database of their own on this server, made and dropped for it.
    """
    compared = ("--from-migrations", str(MIGRATIONS), "--to-schema-datamodel", str(SCHEMA))
    done = _prisma(database_url, MIGRATIONS, "diff", *compared, "--exit-code")
    if done.returncode not in {0, DIFFERENT}:
        raise _failure(done)
    return _readable(done.stdout) if done.returncode else ""


def _prisma(database_url: str, migrations: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    if parse_qs(urlsplit(database_url).query).get("pgbouncer") == ["true"]:
        raise MigrationFailed(POOLED)
    program = str(ENGINE_DIR / "node_modules" / "prisma" / "build" / "index.js")
    settings = {"CHAT_DATABASE_URL": database_url, "MIGRATIONS_DIR": str(migrations), "NO_COLOR": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
            [find_node(), program, "migrate", *arguments, "--config", "prisma.config.mjs"],
            cwd=ENGINE_DIR,
            env=child_environment() | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        message = f"Node.js, which runs the migrations, does not start: {error}"
        raise MigrationFailed(message) from error
    if done.returncode == UNREACHABLE:
        raise DatabaseUnavailable from ConnectionError(_readable(done.stderr))
    return done


def _failure(done: subprocess.CompletedProcess[str]) -> MigrationFailed:
    output = done.stdout + done.stderr
    name = re.search(r'migration_name="([^"]+)"', output)
    return MigrationFailed((f"{name[1]}: " if name else "") + _readable(output))


def _readable(output: str) -> str:
    return re.sub(r"\n\s*\n+", "\n", TRACE.sub("", PREAMBLE.sub("", output))).strip()
