"""Adds the search keys of titles and messages that direct SQL and large requests leave out."""

import random
from asyncio import sleep
from collections import defaultdict
from typing import Final, LiteralString, NoReturn

from prisma import Prisma

from chat_sessions.background import forever
from chat_sessions.contract.search_key import search_key
from chat_sessions.contract.searchable_text import message_key, stored_searchable_text
from chat_sessions.errors import DatabaseUnavailable

# Each worker has its own pause, so that two rarely compute the same keys.
SECONDS_BETWEEN_ROUNDS = (0.75, 1.25)
ROWS_PER_ROUND = 500
BYTES_PER_ROUND = 2 * 1024 * 1024

# A partial index has exactly these rows.
WITHOUT_KEY: Final[LiteralString] = """
SELECT "userId", "id", "title" FROM "ChatSession" WHERE "titleKey" IS NULL AND "title" IS NOT NULL LIMIT $1
"""
MESSAGES_WITHOUT_KEY: Final[LiteralString] = """
SELECT "userId", "sessionId", "id", "role", "body", md5("body") AS "digest"
FROM (
    SELECT *, row_number() OVER () AS "number", sum(octet_length("body")) OVER (ROWS UNBOUNDED PRECEDING) AS "bytes"
    FROM (
        SELECT "userId", "sessionId", "id", "role", "body"::text FROM "ChatMessage" WHERE "searchKey" IS NULL LIMIT $1
    ) AS keyless
) AS counted
WHERE "number" = 1 OR "bytes" <= $2::int
"""

# What a round reads when nothing is missing.
LOOKUPS: Final = frozenset((WITHOUT_KEY, MESSAGES_WITHOUT_KEY))

# SKIP LOCKED: nobody waits for a search key; the next round gets the rows that are locked now. By user, because no
# statement can lock rows on several nodes of Citus.
ADD_KEYS: Final[LiteralString] = """
UPDATE "ChatSession" SET "titleKey" = keyed."key"
FROM unnest($2::text[], $3::text[], $4::text[]) AS keyed("id", "title", "key")
WHERE "ChatSession"."userId" = $1 AND "ChatSession"."id" = keyed."id" AND "ChatSession"."title" = keyed."title"
    AND "ChatSession"."id" IN (
        SELECT "id" FROM "ChatSession" WHERE "userId" = $1 AND "id" = ANY($2::text[]) AND "titleKey" IS NULL
        FOR UPDATE SKIP LOCKED
    )
"""
# Locks the sessions first, like every statement that changes their messages.
ADD_KEYS_OF_MESSAGES: Final[LiteralString] = """
WITH locked AS MATERIALIZED (
    SELECT "id" FROM "ChatSession" WHERE "userId" = $1 AND "id" = ANY($2::text[]) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE "ChatMessage" SET "searchKey" = keyed."key"
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS keyed("sessionId", "id", "digest", "key")
WHERE "ChatMessage"."userId" = $1 AND "ChatMessage"."sessionId" = keyed."sessionId"
    AND "ChatMessage"."id" = keyed."id" AND "searchKey" IS NULL AND md5("body"::text) = keyed."digest"
    AND keyed."sessionId" IN (SELECT "id" FROM locked)
"""


class SearchKeys:
    """The search keys of all users."""

    def __init__(self, prisma: Prisma) -> None:
        self._prisma = prisma

    async def run(self) -> NoReturn:
        """Add missing keys until cancelled."""
        pause = random.uniform(*SECONDS_BETWEEN_ROUNDS)  # noqa: S311  no secret
        await forever("search_keys", self._round, pause=pause, outages=(DatabaseUnavailable,))

    async def _round(self) -> None:
        await self._add_to_titles()
        await self._add_to_messages()

    async def _add_to_titles(self) -> None:
        rows = await self._prisma.query_raw(WITHOUT_KEY, ROWS_PER_ROUND)
        await self._add(ADD_KEYS, [(row["userId"], row["id"], row["title"], search_key(row["title"])) for row in rows])

    async def _add_to_messages(self) -> None:
        rows = await self._prisma.query_raw(MESSAGES_WITHOUT_KEY, ROWS_PER_ROUND, BYTES_PER_ROUND)
        keyed: list[tuple[str, ...]] = []
        for row in rows:
            key = message_key(stored_searchable_text(row["role"], row["body"]))
            keyed.append((row["userId"], row["sessionId"], row["id"], row["digest"], key))
            # Let other requests run.
            await sleep(0)
        await self._add(ADD_KEYS_OF_MESSAGES, keyed)

    async def _add(self, statement: LiteralString, rows: list[tuple[str, ...]]) -> None:
        """Run a statement for each user, with an array of each further column."""
        by_user = defaultdict[str, list[tuple[str, ...]]](list)
        for user, *rest in rows:
            by_user[user].append(tuple(rest))
        for user, given in by_user.items():
            await self._prisma.execute_raw(statement, user, *map(list, zip(*given, strict=True)))
