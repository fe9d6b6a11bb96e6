"""Whether a Citus cluster distributes the tables as the service needs: by user, colocated, with their triggers."""

import re
from collections.abc import Iterator
from typing import Any

from chat_sessions.errors import counted
from chat_sessions.operator.doctor.engine import Query
from chat_sessions.operator.doctor.findings import Finding, ok, warning, wrong
from chat_sessions.store.migrations import CITUS

DISTRIBUTE = "Run `chat-sessions migrate --citus`."
TABLES = ("ChatSession", "ChatMessage", "Outbox", "Tombstone", "WebhookDelivery")

HAS_EXTENSION = """SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS "exists" """
# The connections between nodes have the isolation that each node defaults to.
NODES = """
SELECT COALESCE(nodename || ':' || nodeport, 'the coordinator') AS "node", "setting", "wanted",
    success AS "responds", result AS "value"
FROM (VALUES ('citus.enable_unsafe_triggers', 'on'), ('default_transaction_isolation', 'read committed'))
    AS required("setting", "wanted"), run_command_on_all_nodes('SHOW ' || "setting") AS nodes
LEFT JOIN pg_dist_node USING (nodeid) ORDER BY 1
"""
DISTRIBUTED = """
SELECT relname::text AS "table", column_to_column_name(logicalrelid, partkey)::text AS "column",
    colocationid AS "group", (SELECT count(*)::int FROM pg_dist_shard AS shard
        WHERE shard.logicalrelid = pg_dist_partition.logicalrelid) AS "shards"
FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid
WHERE relnamespace = current_schema()::regnamespace
"""
# On a shard each trigger carries the shard's number, and is enabled unless it was disabled there.
TRIGGERS = """
SELECT nodename || ':' || nodeport AS "node", count(*)::int AS "shards"
FROM run_command_on_placements('"ChatSession"', $$
    SELECT count(*) FROM pg_trigger WHERE tgrelid = '%s'::regclass AND NOT tgisinternal AND tgenabled IN ('O', 'A')
$$)
WHERE NOT success OR result::int <> (
    SELECT count(*) FROM pg_trigger WHERE tgrelid = '"ChatSession"'::regclass AND NOT tgisinternal
)
GROUP BY 1 ORDER BY 1
"""

FUNCTIONS = """
SELECT proname::text AS "name", prosrc AS "body" FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
"""

_FUNCTION = re.compile(r'CREATE OR REPLACE FUNCTION "(\w+)".*?AS \$\$(.*?)\$\$;', re.DOTALL)


async def citus(query: Query) -> list[Finding]:
    """Check the cluster; return no findings for a database without the extension."""
    [facts] = await query(HAS_EXTENSION)
    if not facts["exists"]:
        return []
    distributed = {row["table"]: row for row in await query(DISTRIBUTED)}
    if not distributed.keys() & set(TABLES):
        return [warning("citus", "the extension is installed, but the tables are not distributed", DISTRIBUTE)]
    found = [*_tables(distributed), *_nodes(await query(NODES)), *_functions(await query(FUNCTIONS))]
    if not found:
        found = list(_triggers(await query(TRIGGERS)))
    shards = distributed["ChatSession"]["shards"] if "ChatSession" in distributed else 0
    return found or [ok("citus", f"the users are distributed over {counted(shards, 'shard')}, with their triggers")]


def _tables(distributed: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    groups = {row["group"] for row in distributed.values() if row["table"] in TABLES}
    for table in TABLES:
        if table not in distributed:
            yield wrong("citus", f"{table} is not distributed", DISTRIBUTE)
        elif distributed[table]["column"] != "userId":
            advice = f"SELECT alter_distributed_table('\"{table}\"', distribution_column => 'userId');"
            yield wrong("citus", f"{table} is distributed by {distributed[table]['column']}", advice)
    if len(groups) > 1:
        advice = "SELECT update_distributed_table_colocation(…, colocate_with => '\"ChatSession\"');"
        yield wrong("citus", "the tables are not colocated: a user's rows are on several nodes", advice)


def _nodes(nodes: list[dict[str, Any]]) -> Iterator[Finding]:
    for node in nodes:
        if not node["responds"]:
            detail = f"{node['node']} does not respond: {node['value']}"
            yield wrong("citus", detail, "Its users get 503 until it is back.")
        elif node["value"] != node["wanted"]:
            advice = f"There: ALTER SYSTEM SET {node['setting']} = '{node['wanted']}'; SELECT pg_reload_conf();"
            yield wrong("citus", f"{node['setting']} is {node['value']} on {node['node']}", advice)


def _functions(present: list[dict[str, str]]) -> Iterator[Finding]:
    bodies = {row["name"]: row["body"] for row in present}
    for name, body in _FUNCTION.findall(CITUS.read_text()):
        if bodies.get(name) != body:
            yield wrong("citus", f"the function {name} is not the one for Citus", DISTRIBUTE)


def _triggers(missing: list[dict[str, Any]]) -> Iterator[Finding]:
    for row in missing:
        detail = f"triggers are missing on {counted(row['shards'], 'shard')} of ChatSession at {row['node']}"
        yield wrong(
            "citus", detail, "Restore them: migrations/ has the statements; on the coordinator they reach every shard."
        )
