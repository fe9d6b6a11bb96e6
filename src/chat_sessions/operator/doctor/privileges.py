"""Whether the service's role has the privileges that it needs."""

from chat_sessions.operator.doctor.catalog import TABLES
from chat_sessions.operator.doctor.engine import Query
from chat_sessions.operator.doctor.findings import Finding, ok, skipped, wrong

MIGRATIONS_TABLE = "_prisma_migrations"
# The schema is NULL for a role that may not use it.
ROLE = """SELECT current_user::text AS "role", current_schema()::text AS "schema" """
# Triggers write the outbox and the tombstones with the caller's privileges; FOR UPDATE needs UPDATE.
# The CASE guards has_sequence_privilege, which fails for relations other than sequences.
MISSING = """
SELECT "privilege", "kind", "name", "table" FROM (
    SELECT "privilege", 'TABLE' AS "kind", relname::text AS "name", relname::text AS "table",
        has_table_privilege(pg_class.oid, "privilege") AS "is_granted"
    FROM pg_class CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS "privilege"
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
    UNION ALL
    SELECT 'USAGE', 'SEQUENCE', sequence.relname::text, owner.relname::text,
        CASE WHEN sequence.relkind = 'S' THEN has_sequence_privilege(sequence.oid, 'USAGE') END
    FROM pg_class AS sequence
    JOIN pg_depend ON objid = sequence.oid AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
    JOIN pg_class AS owner ON owner.oid = refobjid
    WHERE sequence.relnamespace = current_schema()::regnamespace AND sequence.relkind = 'S'
) AS "needed" WHERE NOT "is_granted" ORDER BY "kind" DESC, "name", "privilege"
"""


async def privileges(query: Query) -> list[Finding]:
    """Return each missing privilege on the service's tables and their sequences."""
    [current] = await query(ROLE)
    if current["schema"] is None:
        advice = f'GRANT USAGE ON SCHEMA public TO "{current["role"]}";'
        return [wrong("privileges", "the role has no USAGE on any schema of its search_path", advice)]
    missing = [row for row in await query(MISSING) if row["table"] in TABLES or _reads_migrations(row)]
    granted = ok("privileges", f"{current['role']} has all privileges it needs")
    return [_missing(row, current["role"]) for row in missing] or [granted]


def skip_unreadable_migrations(found: list[Finding]) -> list[Finding]:
    """Return the checks that the missing privileges prevent."""
    details = [each.detail for each in found if each.check == "privileges"]
    if any("schema" in detail or MIGRATIONS_TABLE in detail for detail in details):
        reason = f"the role cannot read {MIGRATIONS_TABLE}"
        return [skipped(check, reason) for check in ("migrations", "drift")]
    return []


def _reads_migrations(row: dict[str, str]) -> bool:
    return row["table"] == MIGRATIONS_TABLE and row["privilege"] == "SELECT"


def _missing(row: dict[str, str], role: str) -> Finding:
    target = f'{row["kind"]} "{row["name"]}"'
    return wrong(
        "privileges",
        f"{role} lacks {row['privilege']} on {target}",
        f'GRANT {row["privilege"]} ON {target} TO "{role}";',
    )
