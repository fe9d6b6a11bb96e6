"""The SQL that appends and replaces messages, and cuts them off."""
# ruff: noqa: S608 - no user input, only constants

from typing import Final, LiteralString

from chat_sessions.store.sql_json import MESSAGE
from chat_sessions.store.sql_writes import GIVEN, KNOWN

# One statement: updating the session locks its row, which serializes all changes to its messages, and its counter
# assigns the sequences. Messages that an earlier attempt has stored are returned again. If an id is stored with other
# content, the whole append is rejected.
#
# An update that waits for the row sees its new values, while the rest of the statement sees the data from before. That
# suffices for new messages. But one that was stored may have been cut off meanwhile, so if only some are stored, the
# session must still have the version that was seen. "end" is the sequence of the last message, null if the user has no
# such session; "body" is null if nothing was appended.
APPEND_MESSAGES: Final[LiteralString] = f"""
WITH given AS ({GIVEN}), seen AS (
    SELECT "version", "messageCount" - 1 AS "end" FROM "ChatSession" WHERE "id" = $1 AND "userId" = $2
), known AS ({KNOWN}), fresh AS (
    SELECT *, row_number() OVER (ORDER BY "position") AS "rank" FROM given
    WHERE "id" IS NULL OR "id" NOT IN (SELECT "id" FROM known)
), extended AS (
    UPDATE "ChatSession"
    SET "messageCount" = "messageCount" + (SELECT count(*) FROM fresh), "updatedAt" = clock_timestamp()
    WHERE "id" = $1 AND "userId" = $2 AND EXISTS (SELECT FROM fresh) AND NOT EXISTS (SELECT FROM known WHERE "differs")
        AND ($4::int IS NULL OR "messageCount" - 1 = $4::int)
        AND (NOT EXISTS (SELECT FROM known) OR "version" = (SELECT "version" FROM seen))
    RETURNING "messageCount" - (SELECT count(*) FROM fresh) AS "start"
), added AS (
    INSERT INTO "ChatMessage" ("userId", "sessionId", "id", "role", "body", "searchKey", "sequence")
    SELECT $2, $1, fresh."id", "role", "body", "searchKey", "start" + "rank" - 1 FROM fresh CROSS JOIN extended
    RETURNING "sequence", "createdAt", "body"
)
SELECT (SELECT "end" FROM seen) AS "end", EXISTS (SELECT FROM known WHERE "differs") AS "differs",
    '{{"messages":[' || string_agg({MESSAGE}, ',' ORDER BY "sequence") || ']}}' AS "body"
FROM (
    SELECT * FROM added
    UNION ALL SELECT "sequence", "createdAt", "body" FROM known
    WHERE EXISTS (SELECT FROM extended) OR NOT EXISTS (SELECT FROM fresh)
) AS stored
"""

# One statement: updating the session locks its row and moves its version. If that waited for a cut of the message, it
# finds a lower count, and nothing changes.
REPLACE_MESSAGE: Final[LiteralString] = f"""
WITH touched AS (
    UPDATE "ChatSession" SET "version" = "version"
    WHERE "id" = $1 AND "userId" = $2 AND ($5::bigint[] IS NULL OR "version" = ANY($5::bigint[])) AND "messageCount" > (
        SELECT "sequence" FROM "ChatMessage" WHERE "userId" = $2 AND "sessionId" = $1 AND "id" = $4
    )
    RETURNING "version"
), replaced AS (
    -- A trigger removes the search key of a message that changes without its key, as with titles: see CHANGE_SESSION.
    UPDATE "ChatMessage" AS message SET "role" = given."role", "body" = given."body",
        "searchKey" = given."searchKey" || CASE WHEN given."searchKey" = message."searchKey" THEN ' ' ELSE '' END
    FROM ({GIVEN}) AS given, touched
    WHERE message."userId" = $2 AND message."sessionId" = $1 AND message."id" = $4
    RETURNING message."sequence", message."createdAt", message."body", touched."version"
)
SELECT {MESSAGE} AS "body", "version"::text FROM replaced
"""

# The first statement of a cut. Once it holds the row, the statements after it see every message.
LOCK_SESSION: Final[LiteralString] = """
SELECT "messageCount" FROM "ChatSession"
WHERE "id" = $1 AND "userId" = $2 AND ($3::bigint[] IS NULL OR "version" = ANY($3::bigint[]))
FOR NO KEY UPDATE
"""

CUT_SESSION: Final[LiteralString] = """
UPDATE "ChatSession"
SET "messageCount" = $3::int, "updatedAt" = COALESCE((
    SELECT "ChatMessage"."createdAt" FROM "ChatMessage"
    WHERE "userId" = $2 AND "sessionId" = $1 AND "sequence" = $3::int - 1
), "ChatSession"."createdAt")
WHERE "id" = $1 AND "userId" = $2
"""
