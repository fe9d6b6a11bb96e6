"""What differs when the database is part of a Citus cluster, which spreads the users over several nodes.

No statement can lock rows of several nodes there, and those that change rows of several nodes wait for each other.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from prisma import Prisma

# An expression, for statements that are sent anyway: migrations/citus.sql makes this function.
IS_CITUS: Final[LiteralString] = "to_regprocedure('on_shard(text, text, text[])') IS NOT NULL"

ON_SHARD: Final[LiteralString] = 'SELECT "on_shard"($1, $2, $3::text[]) AS "row"'


@dataclass
class Topology:
    """What the latest check of the database has found: it may be distributed while the service runs."""

    is_citus: bool = False

    async def query_for(self, prisma: Prisma, user: str, statement: str, *given: object) -> list[dict[str, Any]]:
        """Send a statement about one user that returns one row at most.

        On Citus it runs on the user's node as plain Postgres would run it. The coordinator refuses functions like
        json_build_object in RETURNING, and runs each part of a WITH that inserts by itself, involving all nodes.
        """
        if not self.is_citus:
            return await prisma.query_raw(statement, *given)
        [answer] = await prisma.query_raw(
            ON_SHARD, user, re.sub(r"\$(\d+)", r"($1)[\1]", statement), [_text(each) for each in given]
        )
        return [] if answer["row"] is None else [answer["row"]]


def _text(value: object) -> object:
    """Return a parameter as Postgres reads it from text."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{{{','.join(map(str, value))}}}" if isinstance(value, list | tuple) else value


async def is_citus(prisma: Prisma) -> bool:
    """Ask the database."""
    [facts] = await prisma.query_raw(f'SELECT {IS_CITUS} AS "is_citus"')
    return bool(facts["is_citus"])
