"""The SQLSTATEs by which Postgres reports that it is unavailable.

Any other error is our own bug. /readyz shows the reasons, so they say what to do, without names or addresses.
"""

import re
from typing import Final, NamedTuple


class SqlState(NamedTuple):
    """Why the database is unavailable; `undone` means rolled back, so that the statement can be retried."""

    pattern: str
    reason: str
    undone: bool = False


SQL_STATES: Final = (
    SqlState("40001|40P01", "Transactions keep conflicting with each other.", undone=True),
    SqlState("55P03", "A row stayed locked for longer than lock_timeout allows.", undone=True),
    SqlState("42804", "The type of a column that triggers read has changed: restart the workers."),
    SqlState("0A000", "A migration has changed a table under running statements.", undone=True),
    SqlState(
        "26000|42P05",
        "A pooler shares connections between its clients: add `pgbouncer=true` to CHAT_DATABASE_URL.",
        undone=True,
    ),
    SqlState("08...|57P0[1245]|25P0[34]", "Postgres has closed the connection."),
    SqlState("57P03", "Postgres is starting up or shutting down."),
    SqlState("57014", "Postgres has cancelled a statement, most likely because it took too long."),
    SqlState("25006", "Postgres accepts no writes: it is a standby, or default_transaction_read_only is on."),
    SqlState("28...", "Postgres rejects the service: check user and password in CHAT_DATABASE_URL, and pg_hba.conf."),
    SqlState("3D000", "The database that CHAT_DATABASE_URL names does not exist."),
    SqlState("3F000|42P01|42703|42704|42883", "The database is not migrated: run `chat-sessions migrate`."),
    SqlState("42501", "The database user lacks a privilege: `chat-sessions doctor` names it."),
    SqlState("53100", "The disk of Postgres is full."),
    SqlState("53200", "Postgres is out of memory."),
    SqlState(
        "53300", "All connections of Postgres are in use: raise max_connections or lower CHAT_DATABASE_POOL_SIZE."
    ),
    SqlState("53...", "Postgres has reached one of its limits; its log says which."),
    SqlState("55...", "Postgres cannot do this in its current state; its log says why."),
    SqlState("58...", "Postgres cannot read or write its files; its log says which."),
    # Citus also uses these for a node that died during a statement.
    SqlState("XX...", "Postgres had an internal error, or lost a node of its cluster; its log says which."),
)

# Prisma's codes for errors without an SQLSTATE.
PRISMA_CODES: Final = {
    "P1001": "Postgres cannot be reached.",
    "P1002": "Postgres cannot be reached.",
    "P1008": "Postgres did not respond in time.",
    "P1011": "The TLS connection to Postgres failed: check sslmode and the certificates in CHAT_DATABASE_URL.",
    "P1013": "CHAT_DATABASE_URL cannot be used: it is malformed, or names a file that cannot be read.",
    "P1017": "Postgres has closed the connection.",
    "P2024": "No connection to Postgres became free in time.",
    "P2037": "All connections of Postgres are in use: raise max_connections or lower CHAT_DATABASE_POOL_SIZE.",
}


def find_sql_state(sqlstate: str | None) -> SqlState | None:
    """Return the entry for an SQLSTATE, or None."""
    if sqlstate is None:
        return None
    return next((state for state in SQL_STATES if re.fullmatch(state.pattern, sqlstate)), None)
