"""The SQL of writes that Prisma's actions cannot express in one statement."""
# ruff: noqa: S608 - no user input, only constants and the schemas

from typing import Final, LiteralString

from chat_sessions.contract.schemas import SessionSummary
from chat_sessions.store.sql_json import json_of

# Messages in the format of `rows.record`; positions start at 1.
GIVEN: Final[LiteralString] = """
SELECT * FROM ROWS FROM (json_to_recordset($3::json) AS ("id" text, "role" text, "body" json, "searchKey" text))
    WITH ORDINALITY AS message("id", "role", "body", "searchKey", "position")
"""

# The messages that have the given ids, and whether their content differs, compared as jsonb. LIMIT forces an index
# lookup per id, where a join would read all messages of a long session.
KNOWN: Final[LiteralString] = """
SELECT message.*, CASE
    WHEN message."body"::text = given."body"::text THEN false
    ELSE message."body"::jsonb <> given."body"::jsonb
END AS "differs"
FROM given CROSS JOIN LATERAL (
    SELECT * FROM "ChatMessage" WHERE "userId" = $2 AND "sessionId" = $1 AND "ChatMessage"."id" = given."id" LIMIT 1
) AS message
"""

# If the session exists, it is left unchanged and no row is returned.
CREATE_SESSION: Final[LiteralString] = f"""
WITH given AS ({GIVEN}), created AS (
    INSERT INTO "ChatSession" ("userId", "id", "title", "titleKey", "metadata", "messageCount")
    VALUES ($2, $1, $4, $6, $5::json, (SELECT count(*) FROM given))
    ON CONFLICT DO NOTHING
    RETURNING *
), added AS (
    INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "searchKey", "sequence")
    SELECT $2, $1, given."id", "role", "body", "searchKey", "position" - 1 FROM given CROSS JOIN created
)
SELECT {json_of(SessionSummary)} AS "body", "version"::text FROM created
"""

# The existing session, for a repeated create.
FIND_CREATED: Final[LiteralString] = f"""
WITH given AS ({GIVEN}), known AS ({KNOWN})
SELECT {json_of(SessionSummary)} AS "body", "version"::text,
    EXISTS (SELECT FROM known WHERE "differs") AS "differs"
FROM "ChatSession" WHERE "id" = $1 AND "userId" = $2
"""

_HAS_VERSION: Final[LiteralString] = """
"id" = $1 AND "userId" = $2 AND ($3::bigint[] IS NULL OR "version" = ANY($3::bigint[]))
""".strip()

# Locks the metadata until the end of the transaction.
LOCK_METADATA: Final[LiteralString] = f"""
SELECT "metadata"::text AS "text" FROM "ChatSession" WHERE {_HAS_VERSION} FOR UPDATE
"""

# $4 tells whether to set the title, $5, and its key, $6. Null leaves each of the others unchanged. The trigger removes
# the key of a title that changes without it, so the new one must differ, if only by a space.
CHANGE_SESSION: Final[LiteralString] = f"""
UPDATE "ChatSession"
SET "title" = CASE WHEN $4::boolean THEN $5 ELSE "title" END,
    "titleKey" = CASE WHEN NOT $4::boolean THEN "titleKey" WHEN $6 = "titleKey" THEN $6 || ' ' ELSE $6 END,
    "isPinned" = COALESCE($7::boolean, "isPinned"), "isArchived" = COALESCE($8::boolean, "isArchived"),
    "metadata" = COALESCE($9::json, "metadata")
WHERE {_HAS_VERSION}
RETURNING {json_of(SessionSummary)} AS "body", "version"::text
"""

RESTORE_SESSION: Final[LiteralString] = """
INSERT INTO "ChatSession" (
    "userId", "id", "title", "titleKey", "isPinned", "isArchived", "metadata", "messageCount", "createdAt", "updatedAt"
)
VALUES ($1, $2, $3, $4, $5, $6, $7::json, $8, $9::timestamptz, $10::timestamptz)
"""

RESTORE_MESSAGES: Final[LiteralString] = """
INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "searchKey", "sequence", "createdAt")
SELECT $1, $2, * FROM json_to_recordset($3::json)
    AS message("id" text, "role" text, "body" json, "searchKey" text, "sequence" int, "created_at" timestamptz)
"""
