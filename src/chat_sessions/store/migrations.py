"""Applies migrations/ to a database, by running engine/migrate.mjs in Node."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from subprocess import Popen
from typing import IO, cast

from chat_sessions.errors import DatabaseUnavailable, MigrationFailed
from chat_sessions.settings.values import check_database_url
from chat_sessions.store.prisma.node import ENGINE_DIR, launch

# Exit code of engine/migrate.mjs: the migrations and the URL are fine, so a retry may succeed.
UNAVAILABLE = 69

SCHEMA = ENGINE_DIR.parent / "schema.prisma"
MIGRATIONS = ENGINE_DIR.parent / "migrations"
CITUS = MIGRATIONS / "citus.sql"


@dataclass(frozen=True, slots=True)
class Migration:
    """A script, and what `_prisma_migrations` records about it."""

    name: str
    sql: str
    checksum: str


def known_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """Return the migrations of this release, oldest first."""
    scripts = [(path.parent.name, path.read_bytes()) for path in sorted(folder.glob("*/migration.sql"))]
    return [Migration(name, script.decode(), sha256(script).hexdigest()) for name, script in scripts]


def migrate_deploy(
    database_url: str,
    migrations: Path = MIGRATIONS,
    report: Callable[[str], None] = lambda _: None,
    *,
    citus: bool = False,
) -> None:
    """Apply pending migrations and report each step; with `citus` distribute the tables. Concurrent calls wait.

    Raise DatabaseUnavailable if Postgres is down, MigrationFailed if an operator must fix something first. Either way
    the failed migration is rolled back. Only one that cannot run in a transaction may be half applied; it blocks the
    next call until an operator resolves it.
    """
    _check(database_url)
    known = [asdict(migration) for migration in known_migrations(migrations)]
    config = {"url": database_url, "migrations": known, "distribution": CITUS.read_text() if citus else None}
    try:
        # Leaving the block closes the child's stdin, which stops it: Ctrl-C must not leave it running.
        with launch(ENGINE_DIR / "migrate.mjs", config) as node:
            _follow(node, report)
    except OSError as error:
        message = f"Node.js, which runs the migrations, does not start: {error}"
        raise MigrationFailed(message) from error


def _check(database_url: str) -> None:
    try:
        check_database_url(database_url)
    except ValueError as error:
        message = f"The database URL is invalid: {error}."
        raise MigrationFailed(message) from None


def _follow(node: Popen[bytes], report: Callable[[str], None]) -> None:
    for line in cast("IO[bytes]", node.stdout):
        report(line.decode().rstrip())
    complaint = cast("IO[bytes]", node.stderr).read().decode(errors="replace").strip()
    code = node.wait()
    if code == UNAVAILABLE:
        raise DatabaseUnavailable("Postgres cannot be reached.", complaint)
    if code:
        raise MigrationFailed(complaint or f"Node.js exited with code {code}.")
