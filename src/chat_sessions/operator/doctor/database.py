"""Whether Postgres is available, configured as needed and fully migrated."""

from collections.abc import Iterator
from time import time
from typing import Any

from chat_sessions.errors import DatabaseUnavailable, counted
from chat_sessions.operator.doctor.catalog import EXPECTED, PRESENT
from chat_sessions.operator.doctor.citus import citus
from chat_sessions.operator.doctor.engine import Query
from chat_sessions.operator.doctor.findings import Finding, FindingState, isolated, ok, skipped, warning, wrong
from chat_sessions.operator.doctor.privileges import privileges, skip_unreadable_migrations
from chat_sessions.operator.doctor.webhooks import deliveries
from chat_sessions.settings import Settings
from chat_sessions.store.migrations import known_migrations
from chat_sessions.store.preconditions import ENCODING, ISOLATION

OLDEST = 14
MAX_SKEW_SECONDS = 1.0
# PgBouncer's error for a startup parameter that Postgres itself accepts.
REFUSED_PARAMETER = "unsupported startup parameter"
ENCODING_ADVICE = "Create a new one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
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


async def examine(settings: Settings, query: Query) -> list[Finding]:
    """Check the server first, and the rest once it responds."""
    server = await isolated("postgres", _server(settings, query))
    if not any(finding.check == "postgres" and finding.state is FindingState.OK for finding in server):
        return server
    found = [*server, *await isolated("clock", _clock(query))]
    found += (granted := await isolated("privileges", privileges(query)))
    if unreadable := skip_unreadable_migrations(granted):
        return [*found, *unreadable]
    found += (migrated := await isolated("migrations", _migrations(query)))
    if any(finding.state is not FindingState.OK for finding in migrated):
        return [*found, skipped("drift", "migrations are pending")]
    found += await isolated("drift", _drift(query))
    found += await isolated("citus", citus(query))
    return [*found, *await isolated("webhooks", deliveries(settings, query))]


async def _server(settings: Settings, query: Query) -> list[Finding]:
    try:
        [facts] = await query(SERVER)
    except DatabaseUnavailable as error:
        cause = error.cause or error.reason
        advice = f"{error.reason} Check CHAT_DATABASE_URL, and whether Postgres runs and accepts this user."
        if REFUSED_PARAMETER in cause:
            advice = "This is a PgBouncer. Add `pgbouncer=true` to CHAT_DATABASE_URL."
        return [wrong("postgres", f"no response: {cause}", advice)]
    version, wanted = f"PostgreSQL {facts['number'] // 10_000}", settings.database_pool_size
    if facts["number"] // 10_000 < OLDEST:
        return [wrong("postgres", f"this is {version}", f"Use PostgreSQL {OLDEST} or newer.")]
    if facts["is_standby"]:
        return [wrong("postgres", f"{version}, a read-only standby", "Point CHAT_DATABASE_URL at the primary.")]
    if facts["encoding"] != ENCODING:
        return [wrong("postgres", f"the database encoding is {facts['encoding']}", ENCODING_ADVICE)]
    if facts["read_only"]:
        return [wrong("postgres", f"{version}, read-only", "Set default_transaction_read_only = off.")]
    found = [ok("postgres", f"{version}, max_connections {facts['most']}, {wanted} per worker")]
    if wanted > facts["most"]:
        advice = "Lower CHAT_DATABASE_POOL_SIZE, or raise max_connections."
        found.append(wrong("postgres", "one worker's pool is larger than max_connections", advice))
    return [*found, *_session(settings, facts)]


def _session(settings: Settings, facts: dict[str, Any]) -> Iterator[Finding]:
    """Check session parameters, which the service cannot set behind PgBouncer."""
    advice = "ALTER ROLE … SET {} = '{}', for the role that PgBouncer connects as."
    if facts["statement_limit"] == 0:
        seconds = f"{settings.database_statement_timeout:g}s"
        detail = "statement_timeout is off: Postgres never cancels a slow statement"
        yield warning("statements", detail, advice.format("statement_timeout", seconds))
    if facts["idle_limit"] == 0:
        parameter = "idle_in_transaction_session_timeout"
        detail = f"{parameter} is off: Postgres keeps the transactions of a worker whose host died"
        yield warning("transactions", detail, advice.format(parameter, "10s"))
    if facts["isolation"] != ISOLATION:
        detail = f"default_transaction_isolation is {facts['isolation']}: a late create can restore a deleted session"
        yield wrong("isolation", detail, advice.format("default_transaction_isolation", ISOLATION))
    if facts["commit"] == "off":
        detail = "synchronous_commit is off: a crash of Postgres can restore sessions deleted just before it"
        yield wrong("commits", detail, "ALTER ROLE … SET synchronous_commit = 'on', for the service's role.")


async def _clock(query: Query) -> list[Finding]:
    before = time()
    [row] = await query(CLOCK)
    after = time()
    # The smallest skew that the round trip allows.
    skew = max(before - row["now"], row["now"] - after, 0.0)
    if skew > MAX_SKEW_SECONDS:
        advice = "Run NTP on both hosts: tokens expire by this clock, and timestamps of sessions come from Postgres'."
        return [warning("clock", f"differs from Postgres' clock by {skew:.1f} s", advice)]
    return [ok("clock", "agrees with Postgres' clock")]


async def _migrations(query: Query) -> list[Finding]:
    known = {migration.name: migration.checksum for migration in known_migrations()}
    [table] = await query(HAS_MIGRATIONS)
    applied = {row["name"]: row for row in await query(APPLIED)} if table["exists"] else {}
    all_applied = ok("migrations", f"{counted(len(known), 'migration')} applied, none pending")
    return list(_compare(known, applied)) or [all_applied]


def _compare(known: dict[str, str], applied: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    for name in sorted(known.keys() - applied.keys()):
        yield wrong("migrations", f"{name} is not applied", MIGRATE)
    for name, record in sorted(applied.items()):
        if not record["is_done"]:
            yield wrong("migrations", f"{name} did not finish", "`chat-sessions migrate` says why and how to continue.")
        elif name not in known:
            yield warning("migrations", f"{name} is applied, but unknown here", "Deploy the release that has it.")
        elif record["checksum"] != known[name]:
            yield wrong("migrations", f"{name} was changed after it was applied", "Restore the released file.")


async def _drift(query: Query) -> list[Finding]:
    present = {row["name"] for row in await query(PRESENT)}
    missing = sorted(EXPECTED - present)
    if missing:
        advice = "It was removed or disabled by hand; restore it with the statement in migrations/."
        return [wrong("drift", f"{name} is missing or disabled", advice) for name in missing]
    return [ok("drift", "all tables, indexes, constraints, functions and triggers are present")]
