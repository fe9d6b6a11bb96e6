"""The SQL of the reads, which answer with the JSON that crosses the wire."""

from functools import cache
from typing import Final, LiteralString, NamedTuple

from chat_sessions.schemas import Message, Session, Summary
from chat_sessions.wire import json_of

# A page ends here, whatever its limit is: a worker and its engine hold several copies of it.
MAX_PAGE_BYTES: Final = 4 * 1024 * 1024

_SHOWN: Final[LiteralString] = f"""FILTER (
    WHERE "rank" <= $4::int AND ("rank" = 1 OR "above" + octet_length("json") <= {MAX_PAGE_BYTES})
)"""

# One statement, so that the messages are those of the version. It walks from the newest message to older ones, so that
# it reads none beyond the end of the page but one, which tells whether there are more; `above` are the bytes of those
# before. A message is made JSON once.
OPEN_SESSION: Final[LiteralString] = f"""
SELECT "version"::text, {
    json_of(
        Session,
        messages='page."messages"',
        has_more_messages='page."more"',
        oldest_sequence='page."oldest"',
    )
}::text AS "body"
FROM "ChatSession" AS session CROSS JOIN LATERAL (
    WITH RECURSIVE newest AS (
        (
            SELECT "sequence", {json_of(Message)}::text AS "json", 1 AS "rank", 0 AS "above" FROM "ChatMessage"
            WHERE "sessionId" = session."id" AND "sequence" < COALESCE($3::int, 2147483647)
            ORDER BY "sequence" DESC LIMIT 1
        )
        UNION ALL
        SELECT older.*, "rank" + 1, "above" + octet_length(newest."json") FROM newest CROSS JOIN LATERAL (
            SELECT "sequence", {json_of(Message)}::text AS "json" FROM "ChatMessage"
            WHERE "sessionId" = session."id" AND "sequence" < newest."sequence" ORDER BY "sequence" DESC LIMIT 1
        ) AS older
        WHERE "rank" <= $4::int AND "above" + octet_length(newest."json") <= {MAX_PAGE_BYTES}
    )
    SELECT COALESCE('[' || string_agg("json", ',' ORDER BY "sequence") {_SHOWN} || ']', '[]')::json AS "messages",
        count(*) > count(*) {_SHOWN} AS "more", min("sequence") {_SHOWN} AS "oldest"
    FROM newest
) AS page
WHERE "id" = $1 AND "userId" = $2
"""  # noqa: S608  nothing of a caller's is in it, only what stands in this file and in the schemas


class ListShape(NamedTuple):
    """What tells one statement for a list from another; the rest is parameters."""

    pinned_first: bool
    after: bool
    search: bool


@cache
def list_sessions(shape: ListShape) -> LiteralString:
    """Return the statement for a page: $1 user, $2 limit, $3 offset, $4 the total if it is known.

    Then, if it searches, the pattern; then, after a cursor, its pin (where pinned ones go first), time and id. They
    are compared as one row, so that Postgres starts in the index at that place.
    """
    keys = ['"updatedAt"', '"id"']
    if shape.pinned_first:
        keys.insert(0, '"isPinned"')
    mine = '"userId" = $1' + (' AND "title" ILIKE $5::text' if shape.search else "")
    first = 6 if shape.search else 5
    casts = {'"updatedAt"': "timestamptz", '"isPinned"': "boolean", '"id"': "text"}
    values = [f"${first + place}::{casts[key]}" for place, key in enumerate(keys)]
    after = f" AND ({', '.join(keys)}) < ({', '.join(values)})" if shape.after else ""
    order = ", ".join(f"{key} DESC" for key in keys)
    return f"""
SELECT
    COALESCE(json_agg({json_of(Summary)} ORDER BY "rank") FILTER (WHERE "rank" <= $2::int), '[]')::text AS "sessions",
    count(*) > $2::int AS "more", bool_or("isPinned") FILTER (WHERE "rank" = $2::int) AS "pinned",
    max("updatedAt") FILTER (WHERE "rank" = $2::int) AS "updated_at", max("id") FILTER (WHERE "rank" = $2::int) AS "id",
    COALESCE($4::int, (SELECT count(*) FROM "ChatSession" WHERE {mine}))::int AS "total"
FROM (
    SELECT *, row_number() OVER (ORDER BY {order}) - $3::int AS "rank" FROM "ChatSession"
    WHERE {mine}{after} ORDER BY {order} LIMIT $2::int + 1 OFFSET $3::int
) AS page
"""  # noqa: S608  as above
