"""The SQLSTATEs that mean that the database is unavailable.

Any other error is a bug of ours. /readyz shows the reasons, so they say what to do, without names or addresses.
"""

import re
from typing import Final, NamedTuple


class State(NamedTuple):
    """Why the database is unavailable; `undone` means rolled back, so that the statement can be retried."""

    pattern: str
    reason: str
    undone: bool = False


STATES: Final = (
    State("40001|40P01", "Transactions keep getting into each other's way.", undone=True),
    State("55P03", "A row stayed locked for longer than lock_timeout allows.", undone=True),
    State("42804", "The type of a column that triggers read has changed: restart the workers."),
    State("0A000", "A migration has changed a table under running statements.", undone=True),
    State(
        "26000|42P05",
        "A pooler shares connections between its clients: add `pgbouncer=true` to CHAT_DATABASE_URL.",
        undone=True,
    ),
    State("08...|57P0[1245]|25P0[34]", "Postgres has closed the connection."),
    State("57P03", "Postgres is starting up or shutting down."),
    State("57014", "Postgres has cancelled a statement, most likely because it took too long."),
    State("25006", "Postgres takes no writes: it is a standby, or default_transaction_read_only is on."),
    State(
        "28...", "Postgres does not let the service in: check user and password in CHAT_DATABASE_URL, and pg_hba.conf."
    ),
    State("3D000", "The database that CHAT_DATABASE_URL names does not exist."),
    State("3F000|42P01|42703|42704|42883", "The database is not migrated: run `chat-sessions migrate`."),
    State("42501", "The database user lacks a right that the service needs: `chat-sessions doctor` names it."),
    State("53100", "The disk of Postgres is full."),
    State("53200", "Postgres is out of memory."),
    State("53300", "All connections of Postgres are taken: raise max_connections or lower CHAT_DATABASE_POOL_SIZE."),
    State("53...", "Postgres has reached one of its limits; its log says which."),
    State("55...", "Postgres cannot do this in its present state; its log says why."),
    State("58...", "Postgres cannot read or write its files; its log says which."),
    # Citus also reports a node that died during a statement like this.
    State("XX...", "Postgres has failed inside, or has lost a node of its cluster; its log says which."),
)

# Prisma's codes for errors without an SQLSTATE.
PRISMA_CODES: Final = {
    "P1001": "Postgres cannot be reached.",
    "P1002": "Postgres cannot be reached.",
    "P1008": "Postgres does not answer in time.",
    "P1011": "The TLS connection to Postgres fails: check sslmode and the certificates in CHAT_DATABASE_URL.",
    "P1013": "CHAT_DATABASE_URL cannot be used: it is malformed, or names a file that cannot be read.",
    "P1017": "Postgres has closed the connection.",
    "P2024": "No connection to Postgres became free in time.",
    "P2037": "All connections of Postgres are taken: raise max_connections or lower CHAT_DATABASE_POOL_SIZE.",
}


def find_state(sqlstate: str | None) -> State | None:
    """Return the entry for an SQLSTATE, or None."""
    if sqlstate is None:
        return None
    return next((state for state in STATES if re.fullmatch(state.pattern, sqlstate)), None)
