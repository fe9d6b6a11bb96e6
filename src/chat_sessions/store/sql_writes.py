"""The SQL of writes that Prisma's actions cannot express in one statement."""
# ruff: noqa: S608 - no user input, only constants and the schemas

from typing import Final, LiteralString

from chat_sessions.contract.schemas import SessionSummary
from chat_sessions.store.sql_json import MESSAGE, json_of

# Messages in the format of `rows.record`; positions start at 1.
_GIVEN: Final[LiteralString] = """
SELECT * FROM ROWS FROM (json_to_recordset($3::json) AS ("id" text, "role" text, "body" json))
    WITH ORDINALITY AS message("id", "role", "body", "position")
"""

# If the session exists, it is left unchanged and no row is returned.
CREATE_SESSION: Final[LiteralString] = f"""
WITH given AS ({_GIVEN}), created AS (
    INSERT INTO "ChatSession" ("userId", "id", "title", "titleKey", "metadata", "messageCount")
    VALUES ($2, $1, $4, $6, $5::json, (SELECT count(*) FROM given))
    ON CONFLICT DO NOTHING
    RETURNING *
), added AS (
    INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "sequence")
    SELECT $2, $1, given."id", "role", "body", "position" - 1 FROM given CROSS JOIN created
)
SELECT {json_of(SessionSummary)}::text AS "body", "version"::text FROM created
"""

FIND_SUMMARY: Final[LiteralString] = f"""
SELECT {json_of(SessionSummary)}::text AS "body", "version"::text FROM "ChatSession" WHERE "id" = $1 AND "userId" = $2
"""

# The trigger removes the key of a title that changes without it, so the new one must differ, if only by a space.
CHANGE_SESSION: Final[LiteralString] = f"""
UPDATE "ChatSession"
SET "title" = COALESCE($3, "title"), "isPinned" = COALESCE($4::boolean, "isPinned"),
    "titleKey" = COALESCE(CASE WHEN $6 = "titleKey" THEN $6 || ' ' ELSE $6 END, "titleKey")
WHERE "id" = $1 AND "userId" = $2 AND ($5::bigint[] IS NULL OR "version" = ANY($5::bigint[]))
RETURNING {json_of(SessionSummary)}::text AS "body", "version"::text
"""

# One statement: updating the session locks its row, which serializes appends and deletions of the session, and its
# counter assigns the sequences. Messages that an earlier attempt has stored are returned again. If an id is stored with
# other content, compared as jsonb, the whole append is rejected. The body is null if the user has no such session.
APPEND_MESSAGES: Final[LiteralString] = f"""
WITH given AS ({_GIVEN}), known AS (
    -- LIMIT forces an index lookup per id, where a join would read all messages of a long session.
    SELECT message.*, CASE
        WHEN message."body"::text = given."body"::text THEN false
        ELSE message."body"::jsonb <> given."body"::jsonb
    END AS "differs"
    FROM given CROSS JOIN LATERAL (
        SELECT * FROM "ChatMessage" WHERE "userId" = $2 AND "sessionId" = $1 AND "ChatMessage"."id" = given."id" LIMIT 1
    ) AS message
), fresh AS (
    SELECT *, row_number() OVER (ORDER BY "position") AS "rank" FROM given
    WHERE "id" IS NULL OR "id" NOT IN (SELECT "id" FROM known)
), extended AS (
    UPDATE "ChatSession"
    SET "messageCount" = "messageCount" + (SELECT count(*) FROM fresh),
        "updatedAt" = CASE WHEN EXISTS (SELECT FROM fresh) THEN clock_timestamp() ELSE "updatedAt" END
    WHERE "id" = $1 AND "userId" = $2 AND NOT EXISTS (SELECT FROM known WHERE "differs")
    RETURNING "messageCount" - (SELECT count(*) FROM fresh) AS "start"
), added AS (
    INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "sequence")
    SELECT $2, $1, fresh."id", "role", "body", "start" + "rank" - 1 FROM fresh CROSS JOIN extended
    RETURNING "sequence", "createdAt", "body"
)
SELECT EXISTS (SELECT FROM known WHERE "differs") AS "differs",
    '{{"messages":[' || string_agg({MESSAGE}, ',' ORDER BY "sequence") || ']}}' AS "body"
FROM (
    SELECT * FROM added
    UNION ALL SELECT "sequence", "createdAt", "body" FROM known WHERE EXISTS (SELECT FROM extended)
) AS stored
"""

RESTORE_SESSION: Final[LiteralString] = """
INSERT INTO "ChatSession" (
    "userId", "id", "title", "titleKey", "isPinned", "metadata", "messageCount", "createdAt", "updatedAt"
)
VALUES ($1, $2, $3, $4, $5, $6::json, $7, $8::timestamptz, $9::timestamptz)
"""

RESTORE_MESSAGES: Final[LiteralString] = """
INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "sequence", "createdAt")
SELECT $1, $2, * FROM json_to_recordset($3::json)
    AS message("id" text, "role" text, "body" json, "sequence" int, "created_at" timestamptz)
"""

# For transactions that match many ids along with another condition. The generic plan, to which Postgres may switch
# after five executions, assumes a small account: it reads all of it and compares each row with each id.
PLAN_FOR_THE_VALUES: Final[LiteralString] = "SET LOCAL plan_cache_mode = force_custom_plan"
