"""Support for Citus, which shards the users across nodes.

There no statement can lock rows on several nodes, and statements that change rows on several nodes block each other.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from prisma import Prisma

# An expression to embed in other statements: migrations/citus.sql creates this function.
IS_CITUS: Final[LiteralString] = "to_regprocedure('on_shard(text, text, text[])') IS NOT NULL"

ON_SHARD: Final[LiteralString] = 'SELECT "on_shard"($1, $2, $3::text[]) AS "row"'


@dataclass
class Topology:
    """Whether the database is distributed, as of the latest check: this may change while the service runs."""

    is_citus: bool = False

    async def query_for(self, prisma: Prisma, user: str, statement: str, *given: object) -> list[dict[str, Any]]:
        """Run a statement that concerns one user and returns at most one row.

        On Citus it runs on the user's node, planned by plain Postgres. The coordinator rejects functions such as
        to_json in RETURNING, and runs each part of an inserting WITH separately, on all nodes.
        """
        if not self.is_citus:
            return await prisma.query_raw(statement, *given)
        [result] = await prisma.query_raw(
            ON_SHARD, user, re.sub(r"\$(\d+)", r"($1)[\1]", statement), [_text(each) for each in given]
        )
        return [] if result["row"] is None else [result["row"]]


def _text(value: object) -> object:
    """Format a parameter as text that Postgres can parse."""
    if isinstance(value, int):
        return str(value).lower()
    return f"{{{','.join(map(str, value))}}}" if isinstance(value, list | tuple) else value


async def is_citus(prisma: Prisma) -> bool:
    """Return whether the database is distributed by Citus."""
    [facts] = await prisma.query_raw(f'SELECT {IS_CITUS} AS "is_citus"')
    return bool(facts["is_citus"])
