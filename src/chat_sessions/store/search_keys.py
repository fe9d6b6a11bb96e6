"""Adds the search keys that direct SQL leaves out; searches fall back to the title until then."""

import asyncio
from collections import defaultdict
from typing import Final, LiteralString, NoReturn

import structlog
from prisma import Prisma

from chat_sessions.contract.search_key import search_key
from chat_sessions.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_ROUNDS = 1.0
TITLES_PER_ROUND = 500

# A partial index has exactly these.
WITHOUT_KEY: Final[LiteralString] = """
SELECT "userId", "id", "title" FROM "ChatSession" WHERE "titleKey" IS NULL AND "title" IS NOT NULL LIMIT $1
"""

# SKIP LOCKED: nobody waits for a search key; the next round gets what is locked now. By user, because on Citus no
# statement can lock rows on several nodes.
ADD_KEYS: Final[LiteralString] = """
UPDATE "ChatSession" SET "titleKey" = keyed."key"
FROM unnest($2::text[], $3::text[], $4::text[]) AS keyed("id", "title", "key")
WHERE "ChatSession"."userId" = $1 AND "ChatSession"."id" = keyed."id" AND "ChatSession"."title" = keyed."title"
    AND "ChatSession"."id" IN (
        SELECT "id" FROM "ChatSession" WHERE "userId" = $1 AND "id" = ANY($2::text[]) AND "titleKey" IS NULL
        FOR UPDATE SKIP LOCKED
    )
"""


class SearchKeys:
    """The search keys of all users."""

    def __init__(self, prisma: Prisma) -> None:
        self._prisma = prisma

    async def run(self) -> NoReturn:
        """Add missing keys until cancelled."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_ROUNDS)
            try:
                await self.complete()
            except DatabaseUnavailable:
                log.debug("search_keys.postponed")
            except Exception:
                # No error may end this task: a later round may succeed.
                log.exception("search_keys.failed")

    async def complete(self) -> None:
        """Add some of the missing keys."""
        titles = defaultdict[str, dict[str, str]](dict)
        for row in await self._prisma.query_raw(WITHOUT_KEY, TITLES_PER_ROUND):
            titles[row["userId"]][row["id"]] = row["title"]
        for user, given in titles.items():
            keys = [search_key(title) for title in given.values()]
            await self._prisma.execute_raw(ADD_KEYS, user, list(given), list(given.values()), keys)
