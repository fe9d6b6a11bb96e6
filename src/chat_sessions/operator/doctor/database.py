"""Whether Postgres is there, and has what the migrations make."""

import re
from collections.abc import Iterable, Iterator
from time import time
from typing import Any

from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.operator.doctor.engine import Ask
from chat_sessions.operator.doctor.findings import Finding, State, isolated, ok, skipped, warning, wrong
from chat_sessions.operator.doctor.privileges import hide_the_migrations, privileges
from chat_sessions.settings import Settings
from chat_sessions.store.migrations import Migration, known_migrations
from chat_sessions.store.preconditions import ENCODING, ISOLATION

OLDEST = 14
# Of a server: what several workers, the migrations and an operator need beside each other.
SKEW_WORTH_A_WARNING = 1.0
# PgBouncer's complaint about what others may be asked for at the start of a connection.
REFUSED_PARAMETER = "unsupported startup parameter"
ENCODING_ADVICE = "Make a new one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
MIGRATE = "Run `chat-sessions migrate`."

SERVER = """
SELECT current_setting('server_version_num')::int AS "number", current_setting('max_connections')::int AS "most",
    pg_is_in_recovery() AS "is_standby",
    current_setting('server_encoding') AS "encoding", current_setting('transaction_read_only')::boolean AS "read_only",
    current_setting('default_transaction_isolation') AS "isolation", current_setting('synchronous_commit') AS "commit",
    (SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout') AS "statement_limit",
    (SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout') AS "idle_limit"
"""
CLOCK = """SELECT EXTRACT(epoch FROM clock_timestamp())::float8 AS "now" """
HAS_MIGRATIONS = """SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS "exists" """
APPLIED = """
SELECT "migration_name" AS "name", "checksum", "finished_at" IS NOT NULL AS "is_done" FROM "_prisma_migrations"
WHERE "rolled_back_at" IS NULL
"""
OBJECTS = """
SELECT 'TABLE ' || relname::text AS "name" FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
UNION ALL SELECT 'INDEX ' || relname::text FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
    WHERE relnamespace = current_schema()::regnamespace AND indisvalid
UNION ALL SELECT 'TRIGGER ' || tgname::text FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid
    WHERE relnamespace = current_schema()::regnamespace AND tgenabled IN ('O', 'A')
UNION ALL SELECT 'FUNCTION ' || proname::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
UNION ALL SELECT 'CONSTRAINT ' || conname::text FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace AND convalidated
"""

_STATEMENT = re.compile(
    r"\b(CREATE|ADD|DROP)\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+)?(TABLE|INDEX|TRIGGER|FUNCTION|CONSTRAINT)\s+"
    r'(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"([^"]+)"'
)


async def examine(settings: Settings, ask: Ask) -> list[Finding]:
    """Ask Postgres; each question on its own, as soon as it is known to answer."""
    server = await isolated("postgres", _server(settings, ask))
    if not any(finding.check == "postgres" and finding.state is State.OK for finding in server):
        return server
    tables = {name.removeprefix("TABLE ") for name in expected_objects(known_migrations()) if name.startswith("TABLE ")}
    granted = await isolated("privileges", privileges(ask, tables))
    hidden = hide_the_migrations(granted)
    if hidden:
        return [*server, *await isolated("clock", _clock(ask)), *granted, *hidden]
    migrated = await isolated("migrations", _migrations(ask))
    drift = [skipped("drift", "for there are migrations to apply")]
    if all(finding.state is State.OK for finding in migrated):
        drift = await isolated("drift", _drift(ask))
    return [*server, *await isolated("clock", _clock(ask)), *granted, *migrated, *drift]


async def _server(settings: Settings, ask: Ask) -> list[Finding]:
    try:
        [facts] = await ask(SERVER)
    except DatabaseUnavailable as error:
        said = error.said or error.reason
        advice = f"{error.reason} Check CHAT_DATABASE_URL, and whether Postgres runs and lets this user in."
        if REFUSED_PARAMETER in said:
            advice = "This is a PgBouncer. Add `pgbouncer=true` to CHAT_DATABASE_URL."
        return [wrong("postgres", f"no answer: {said}", advice)]
    version, wanted = f"PostgreSQL {facts['number'] // 10_000}", settings.database_pool_size
    if facts["number"] // 10_000 < OLDEST:
        return [wrong("postgres", f"this is {version}", f"Use PostgreSQL {OLDEST} or newer.")]
    if facts["is_standby"]:
        return [
            wrong("postgres", f"{version}, a standby: it takes no writes", "Let CHAT_DATABASE_URL name the primary.")
        ]
    if facts["encoding"] != ENCODING:
        return [wrong("postgres", f"the encoding of the database is {facts['encoding']}", ENCODING_ADVICE)]
    if facts["read_only"]:
        return [wrong("postgres", f"{version}, which takes no writes", "Set default_transaction_read_only = off.")]
    found = [ok("postgres", f"{version}, {facts['most']} connections at most, {wanted} per worker")]
    if wanted > facts["most"]:
        advice = "Lower CHAT_DATABASE_POOL_SIZE, or raise max_connections."
        found.append(wrong("postgres", "one worker alone may want more connections than there are", advice))
    return [*found, *_session(settings, facts)]


def _session(settings: Settings, facts: dict[str, Any]) -> Iterator[Finding]:
    """Behind PgBouncer these are not for the service to set: its sessions are everybody's."""
    advice = "ALTER ROLE … SET {} = '{}', for the role that PgBouncer connects as."
    if facts["statement_limit"] == 0:
        seconds = f"{settings.database_statement_timeout:g}s"
        said = "nothing in Postgres ends one that takes too long"
        yield warning("statements", said, advice.format("statement_timeout", seconds))
    if facts["idle_limit"] == 0:
        said = "nothing in Postgres ends one whose worker has died with its host"
        yield warning("transactions", said, advice.format("idle_in_transaction_session_timeout", "10s"))
    if facts["isolation"] != ISOLATION:
        said = f"default_transaction_isolation is {facts['isolation']}: a late create can bring a session back"
        yield wrong("isolation", said, advice.format("default_transaction_isolation", ISOLATION))
    if facts["commit"] == "off":
        said = "synchronous_commit is off: a crash of Postgres brings back what was deleted in the second before it"
        yield wrong("commits", said, "ALTER ROLE … SET synchronous_commit = 'on', for the role of the service.")


async def _clock(ask: Ask) -> list[Finding]:
    before = time()
    [answer] = await ask(CLOCK)
    after = time()
    # Nothing is known about what happened in between: the smallest difference that is possible counts.
    skew = max(before - answer["now"], answer["now"] - after, 0.0)
    if skew > SKEW_WORTH_A_WARNING:
        advice = "Let both machines keep their time (NTP): tokens expire by this clock, sessions are dated by that one."
        return [warning("clock", f"differs from that of Postgres by {skew:.1f} s", advice)]
    return [ok("clock", "agrees with that of Postgres")]


async def _migrations(ask: Ask) -> list[Finding]:
    known = {migration.name: migration.checksum for migration in known_migrations()}
    [table] = await ask(HAS_MIGRATIONS)
    applied = {row["name"]: row for row in await ask(APPLIED)} if table["exists"] else {}
    return list(_compared(known, applied)) or [ok("migrations", f"all {len(known)} applied")]


def _compared(known: dict[str, str], applied: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    for name in sorted(known.keys() - applied.keys()):
        yield wrong("migrations", f"{name} is not applied", MIGRATE)
    for name, record in sorted(applied.items()):
        if not record["is_done"]:
            yield wrong("migrations", f"{name} did not finish", "`chat-sessions migrate` says why, and how to go on.")
        elif name not in known:
            yield warning("migrations", f"{name} is applied, but unknown here", "Deploy the release that has it.")
        elif record["checksum"] != known[name]:
            yield wrong(
                "migrations", f"{name} was changed after it was applied", "Restore the file as it was released."
            )


async def _drift(ask: Ask) -> list[Finding]:
    there = {row["name"] for row in await ask(OBJECTS)}
    missing = sorted(expected_objects(known_migrations()) - there)
    if missing:
        advice = "Somebody has removed or disabled it by hand; migrations/ has the statement that makes it."
        return [wrong("drift", f"{name} is missing or disabled", advice) for name in missing]
    return [ok("drift", "every table, index, constraint, function and trigger is there")]


def expected_objects(migrations: Iterable[Migration]) -> set[str]:
    """Return what the migrations make, one after the other."""
    expected: set[str] = set()
    for migration in migrations:
        for verb, kind, name in _STATEMENT.findall(migration.sql):
            (expected.discard if verb == "DROP" else expected.add)(f"{kind} {name}")
    return expected
