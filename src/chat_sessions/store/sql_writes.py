"""The SQL that Prisma's own actions cannot say in one statement."""
# ruff: noqa: S608 - nothing of a caller's is in it, only what stands in this file and in the schemas

from typing import Final, LiteralString

from chat_sessions.contract.schemas import Message, Messages
from chat_sessions.store.sql_json import json_of

_SUMMARY: Final[LiteralString] = """
"id", "title", "createdAt" AS "created_at", "updatedAt" AS "updated_at", "isPinned" AS "is_pinned", "metadata",
"version"
"""

_COLUMNS: Final[LiteralString] = """
"role", "content", "name", "toolCallId", "refusal", "toolCalls", "functionCall", "metadata"
"""

# Messages as the JSON of the API has them; a null is the same as nothing. Their positions are 1, 2 and so on.
_GIVEN: Final[LiteralString] = f"""
SELECT * FROM ROWS FROM (jsonb_to_recordset($3::jsonb) AS (
    "id" text, "role" text, "content" jsonb, "name" text, "tool_call_id" text, "refusal" text, "tool_calls" jsonb,
    "function_call" jsonb, "metadata" jsonb
)) WITH ORDINALITY AS message ("id", {_COLUMNS}, "position")
"""

# One statement, however many messages.
CREATE_SESSION: Final[LiteralString] = f"""
WITH given AS ({_GIVEN}), created AS (
    INSERT INTO "ChatSession" ("id", "userId", "title", "metadata", "messageCount")
    VALUES ($1, $2, $4, $5::jsonb, (SELECT count(*) FROM given))
    RETURNING *
), added AS (
    INSERT INTO "ChatMessage" ("userId", "sessionId", "id", {_COLUMNS}, "sequence")
    SELECT $2, $1, COALESCE(given."id", gen_random_uuid()::text), {_COLUMNS}, "position" - 1 FROM given
)
SELECT {_SUMMARY} FROM created
"""

CHANGE_SESSION: Final[LiteralString] = f"""
UPDATE "ChatSession"
SET "title" = COALESCE($3, "title"),
    "isPinned" = COALESCE($4, "isPinned"),
    "updatedAt" = CASE WHEN $3::text IS NULL THEN "updatedAt" ELSE clock_timestamp() END
WHERE "id" = $1 AND "userId" = $2 AND ($5::bigint[] IS NULL OR "version" = ANY($5::bigint[]))
RETURNING {_SUMMARY}
"""

# One statement: the update of the session takes its row lock, so that appends to one session queue up and a deletion
# comes before or after, never in between; the counter gives the sequences out; what an earlier attempt has stored
# stays as it is and is answered again. No row at all means that the session is not this user's.
APPEND_MESSAGES: Final[LiteralString] = f"""
WITH given AS ({_GIVEN}), known AS (
    -- The limit makes Postgres look each id up, where a join would read all messages of a long session.
    SELECT message.* FROM given CROSS JOIN LATERAL (
        SELECT * FROM "ChatMessage" WHERE "userId" = $2 AND "sessionId" = $1 AND "ChatMessage"."id" = given."id" LIMIT 1
    ) AS message
), fresh AS (
    SELECT *, row_number() OVER (ORDER BY "position") AS "rank" FROM given
    WHERE "id" IS NULL OR "id" NOT IN (SELECT "id" FROM known)
), extended AS (
    UPDATE "ChatSession"
    SET "messageCount" = "messageCount" + (SELECT count(*) FROM fresh), "updatedAt" = clock_timestamp()
    WHERE "id" = $1 AND "userId" = $2
    RETURNING "id", "messageCount" - (SELECT count(*) FROM fresh) AS "start"
), added AS (
    INSERT INTO "ChatMessage" ("userId", "sessionId", "id", {_COLUMNS}, "sequence")
    SELECT $2, $1, COALESCE(fresh."id", gen_random_uuid()::text), {_COLUMNS}, "start" + "rank" - 1
    FROM fresh CROSS JOIN extended
    RETURNING *
)
SELECT {json_of(Messages, messages=f'json_agg({json_of(Message)} ORDER BY "sequence")')}::text AS "body"
FROM (SELECT * FROM added UNION ALL SELECT known.* FROM known WHERE EXISTS (SELECT FROM extended)) AS stored
HAVING count(*) > 0
"""

# For transactions that name many ids beside another condition. The plan for any values, to which Postgres changes after
# five executions, expects every account to be small: it reads the whole account, and compares each row with each id.
PLAN_FOR_THE_VALUES: Final[LiteralString] = "SET LOCAL plan_cache_mode = force_custom_plan"
