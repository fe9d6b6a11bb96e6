"""The SQL of the reads, which return the JSON of the API."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, LiteralString, NamedTuple

from chat_sessions.contract.schemas import Session, SessionSummary
from chat_sessions.store.filters import Archived
from chat_sessions.store.sql_json import MESSAGE, json_of

# A page ends here, whatever its limit.
MAX_PAGE_BYTES: Final = 4 * 1024 * 1024

# How many messages whole turns may add to a page. Models call up to 128 tools at once.
MAX_ADDED: Final = 200

_SHOWN: Final[LiteralString] = """FILTER (WHERE "wanted" AND ("rank" = 1 OR "bytes" <= $5::int))"""

# Whether a message is the result of a tool: in OpenAI's format by its role, in Anthropic's by a part of its content.
_IS_RESULT: Final[LiteralString] = """("role" IN ('tool', 'function') OR "role" = 'user' AND CASE
    WHEN json_typeof("body"->'content') = 'array' THEN EXISTS (
        SELECT FROM json_array_elements("body"->'content') AS part WHERE part->>'type' = 'tool_result'
    ) ELSE false END)"""

# Only a message at the limit or beyond it is looked into.
_CONTINUES: Final[LiteralString] = f"""CASE
    WHEN {{rank}} >= $4::int AND {{rank}} < $4::int + {MAX_ADDED} THEN {_IS_RESULT} ELSE false END"""


@cache
def open_session(*, whole_turns: bool) -> LiteralString:
    """Return the statement for a session with its newest messages, or those before $3: at most $4, of $5 bytes in all.

    One statement, so that the messages match the version. It reads from the newest message backwards, and one message
    past the end of the page, to see if there are more. Unless $6 is true, the body of a page that exceeds $5 is null.
    With `whole_turns`, a page whose oldest message "continues" a turn wants the one before it, too; without, the
    statement must not mention turns, or its generic plan looks dear and Postgres plans it anew each time.
    """
    continues = _CONTINUES if whole_turns else "false"
    return f"""
SELECT "version"::text, CASE WHEN $6::boolean OR NOT page."cut" THEN concat(
    left({json_of(Session, {"messages"}, has_more_messages='page."more"', oldest_sequence='page."oldest"')}::text, -1),
    ', "messages" : [', page."messages", ']}}'
) END AS "body"
FROM "ChatSession" CROSS JOIN (
    WITH RECURSIVE newest AS (
        (
            SELECT 1 AS "rank", "sequence", "json", octet_length("json") AS "bytes", true AS "wanted",
                {continues.format(rank="1")} AS "continues"
            FROM (
                SELECT "sequence", "role", "body", {MESSAGE} AS "json" FROM "ChatMessage"
                WHERE "userId" = $2 AND "sessionId" = $1 AND "sequence" < COALESCE($3::int, 2147483647)
                ORDER BY "sequence" DESC LIMIT 1
            ) AS first
        )
        UNION ALL
        SELECT "rank" + 1, older."sequence", older."json", "bytes" + octet_length(older."json"),
            "rank" < $4::int OR "continues", {continues.format(rank='"rank" + 1')}
        FROM newest CROSS JOIN LATERAL (
            SELECT "sequence", "role", "body", {MESSAGE} AS "json" FROM "ChatMessage"
            WHERE "userId" = $2 AND "sessionId" = $1 AND "sequence" < newest."sequence" ORDER BY "sequence" DESC LIMIT 1
        ) AS older
        WHERE "wanted" AND ("rank" = 1 OR "bytes" <= $5::int)
    )
    SELECT string_agg("json", ',' ORDER BY "sequence") {_SHOWN} AS "messages",
        COALESCE(bool_or("wanted" AND "bytes" > $5::int), false) AS "cut",
        count(*) > count(*) {_SHOWN} AS "more", min("sequence") {_SHOWN} AS "oldest"
    FROM newest
) AS page
WHERE "id" = $1 AND "userId" = $2
"""  # noqa: S608  no user input, only constants and the schemas


# The keys of titles that direct SQL has changed are missing until `search_keys` adds them.
TITLE_CONTAINS: Final = '("titleKey" LIKE ${}::text OR "titleKey" IS NULL AND "title" ILIKE ${}::text)'
# The ranges of an index with the sessions of a list.
_LIVE: Final[LiteralString] = 'NOT "isArchived"'
_ARCHIVED: Final[LiteralString] = '"isArchived"'
_RANGES: Final[Mapping[Archived, Sequence[LiteralString]]] = {
    "false": [_LIVE],
    "true": [_ARCHIVED],
    "any": [_LIVE, _ARCHIVED],
}

METADATA_CONTAINS: Final = '"metadata"::jsonb @> ${}::jsonb'


class ListShape(NamedTuple):
    """What the statement for a list depends on; everything else is a parameter."""

    pinned_first: bool
    archived: Archived
    after: bool
    search: bool
    metadata: bool


@cache
def list_sessions(shape: ListShape) -> LiteralString:
    """Return the statement for a page: $1 user, $2 limit, $3 offset, $4 the total if known.

    Further parameters: the two patterns of a search, the object of a metadata filter, and the cursor's pin (if pinned
    sessions come first), time and id. The cursor is compared as one row, so that Postgres starts its index scan there.
    Title and metadata have no index, which every append would have to maintain: filters scan the rows of one user.
    """
    keys = ['"updatedAt"', '"id"']
    if shape.pinned_first:
        keys.insert(0, '"isPinned"')
    first, mine = 5, '"userId" = $1'
    for wanted, condition in ((shape.search, TITLE_CONTAINS), (shape.metadata, METADATA_CONTAINS)):
        if wanted:
            mine += f" AND {condition.format(first, first + 1)}"
            first += condition.count("{}")
    casts = {'"updatedAt"': "timestamptz", '"isPinned"': "boolean", '"id"': "text"}
    values = [f"${first + place}::{casts[key]}" for place, key in enumerate(keys)]
    after = f" AND ({', '.join(keys)}) < ({', '.join(values)})" if shape.after else ""
    order = ", ".join(f"{key} DESC" for key in keys)
    rows = f'SELECT * FROM "ChatSession" WHERE {mine}'  # noqa: S608  as above
    first_rows = f"ORDER BY {order} LIMIT $3::bigint + $2::int + 1"
    shown = " OR ".join(_RANGES[shape.archived])
    ranges = " UNION ALL ".join(f"({rows} AND {each}{after} {first_rows})" for each in _RANGES[shape.archived])
    return f"""
SELECT
    COALESCE(json_agg({json_of(SessionSummary)} ORDER BY "rank") FILTER (WHERE "rank" <= $2::int), '[]')::text
        AS "sessions",
    count(*) > $2::int AS "more", bool_or("isPinned") FILTER (WHERE "rank" = $2::int) AS "pinned",
    max("updatedAt") FILTER (WHERE "rank" = $2::int) AS "updated_at", max("id") FILTER (WHERE "rank" = $2::int) AS "id",
    COALESCE($4::int, (SELECT count(*) FROM "ChatSession" WHERE {mine} AND ({shown})))::int AS "total"
FROM (
    SELECT *, row_number() OVER (ORDER BY {order}) - $3::int AS "rank" FROM ({ranges}) AS mine
    ORDER BY {order} LIMIT $2::int + 1 OFFSET $3::int
) AS page
"""  # noqa: S608  as above
