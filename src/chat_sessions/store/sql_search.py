"""The SQL that searches titles and messages."""
# ruff: noqa: S608 - no user input, only constants and the schemas

from typing import Final, LiteralString

from chat_sessions.contract.schemas import SessionSummary
from chat_sessions.store.sql_json import json_of
from chat_sessions.store.sql_reads import PLANNED_FOR_ITS_VALUES, RANGES, TITLE_CONTAINS

# At most this much per statement: some 5 ms for short messages, and less than a second for the largest.
SESSIONS: Final = 500
MESSAGES: Final = 2_000
# Larger bodies are read one by one.
ORDINARY_BODY: Final = 64 * 1024

# The index has two ranges per user, live and archived sessions, each sorted newest first.
_NEWEST: Final[LiteralString] = " UNION ALL ".join(
    f"""(
    SELECT * FROM "ChatSession"
    WHERE "userId" = $1 AND {each} AND ("updatedAt", "id") <= ($4::timestamptz, $5)
        AND NOT ($6::int = 0 AND "id" = $5 AND "updatedAt" = $4::timestamptz)
    ORDER BY "updatedAt" DESC, "id" DESC LIMIT {SESSIONS}
)"""
    for each in RANGES["any"]
)

# Searches sessions from a position on, newest first: $1 user, $2 and $3 the patterns of titles, $4, $5 and $6 the
# position's time, session and sequence, $7 the limit. It takes as many sessions as have MESSAGES messages in total, or
# the newest MESSAGES of one that has more. Each row is a result, except that the last one may only tell where the
# search stopped: in which session and, as "from", at which message. A message without a key may or may not match.
SEARCH: Final[LiteralString] = f"""
{PLANNED_FOR_ITS_VALUES}
WITH newest AS (
    SELECT *, row_number() OVER recent AS "rank", sum("below") OVER recent AS "messages"
    FROM (
        SELECT *,
            LEAST("messageCount", CASE WHEN "id" = $5 AND "updatedAt" = $4::timestamptz THEN $6::int END) AS "below"
        FROM ({_NEWEST}) AS sessions ORDER BY "updatedAt" DESC, "id" DESC LIMIT {SESSIONS}
    ) AS sessions
    WINDOW recent AS (ORDER BY "updatedAt" DESC, "id" DESC)
), searched AS (
    SELECT *, GREATEST("below" - {MESSAGES}, 0) AS "from", {TITLE_CONTAINS.format(2, 3)} AS "titled"
    FROM newest WHERE "rank" = 1 OR "messages" <= {MESSAGES}
)
SELECT "id", "updatedAt" AS "updated_at", "from", {json_of(SessionSummary)} AS "session",
    COALESCE("titled", false) AS "titled", found."sequence", found."role", found."body",
    "rank" < (SELECT max("rank") FROM newest) OR "rank" = {SESSIONS} AS "more"
FROM searched LEFT JOIN LATERAL (
    SELECT "sequence", "role", CASE WHEN octet_length("body"::text) <= {ORDINARY_BODY} THEN "body"::text END AS "body"
    FROM "ChatMessage"
    WHERE "userId" = $1 AND "sessionId" = searched."id" AND ("searchKey" LIKE $2 OR "searchKey" IS NULL)
        AND "sequence" >= searched."from" AND "sequence" < searched."below"
    ORDER BY "sequence" DESC LIMIT 1
) AS found ON true
WHERE "titled" OR found."sequence" IS NOT NULL OR "rank" = (SELECT max("rank") FROM searched)
ORDER BY "rank" LIMIT $7
"""

BODY: Final[LiteralString] = """
SELECT "body"::text FROM "ChatMessage" WHERE "userId" = $1 AND "sessionId" = $2 AND "sequence" = $3
"""
