"""Whether the role that the service connects as may do what the service does."""

from collections.abc import Set as AbstractSet

from chat_sessions.operator.doctor.engine import Ask
from chat_sessions.operator.doctor.findings import Finding, ok, skipped, wrong

BOOKKEEPING = "_prisma_migrations"
# The schema is NULL for a role that may not use it.
ROLE = """SELECT current_user::text AS "role", current_schema()::text AS "schema" """
# Triggers write the outbox and the tombstones with the rights of whoever changed a session; locking a row needs UPDATE.
# Sequences are those of a table's own columns: the CASE is there because asking about anything else is an error.
WITHHELD = """
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


async def privileges(ask: Ask, tables: AbstractSet[str]) -> list[Finding]:
    """Name each privilege on these tables, and on what belongs to them, that is not granted."""
    [who] = await ask(ROLE)
    if who["schema"] is None:
        advice = f'GRANT USAGE ON SCHEMA public TO "{who["role"]}";'
        return [wrong("privileges", "the role may use no schema of its search_path", advice)]
    needed = [row for row in await ask(WITHHELD) if row["table"] in tables or _is_read(row)]
    return [_missing(row, who["role"]) for row in needed] or [ok("privileges", f"{who['role']} has all it needs")]


def hide_the_migrations(found: list[Finding]) -> list[Finding]:
    """Return why the migrations cannot be looked at, if they cannot."""
    details = [each.detail for each in found if each.check == "privileges"]
    if any("schema" in detail or BOOKKEEPING in detail for detail in details):
        return [skipped(check, "for the role may not read them") for check in ("migrations", "drift")]
    return []


def _is_read(row: dict[str, str]) -> bool:
    return row["table"] == BOOKKEEPING and row["privilege"] == "SELECT"


def _missing(row: dict[str, str], role: str) -> Finding:
    target = f'{row["kind"]} "{row["name"]}"'
    return wrong(
        "privileges",
        f"{role} lacks {row['privilege']} on {target}",
        f'GRANT {row["privilege"]} ON {target} TO "{role}";',
    )
