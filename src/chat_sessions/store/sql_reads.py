"""The SQL of the reads, which return the JSON of the API."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, LiteralString, NamedTuple

from chat_sessions.contract.fields import MAX_INTEGER
from chat_sessions.contract.schemas import Session, SessionSummary
from chat_sessions.store.filters import Archived
from chat_sessions.store.sql_json import ADDED_BYTES, MESSAGE, json_of

# Begins a statement whose generic plan, to which Postgres may switch after five executions, would read all of a large
# account. The engine (pool.mjs) sends it without a name, like those with a list of ids. A setting of the transaction,
# plan_cache_mode, would make Postgres also plan the cascade anew for each session.
PLANNED_FOR_ITS_VALUES: Final[LiteralString] = "/* planned for its values */"

# A page ends here, whatever its limit.
MAX_PAGE_BYTES: Final = 4 * 1024 * 1024

# How many messages whole turns may add to a page. Models call up to 128 tools at once.
MAX_ADDED: Final = 200

# Whether a message is the result of a tool: in OpenAI's format by its role, in Anthropic's by a part of its content.
_IS_RESULT: Final[LiteralString] = """("role" IN ('tool', 'function') OR "role" = 'user' AND CASE
    WHEN json_typeof("body"->'content') = 'array' THEN EXISTS (
        SELECT FROM json_array_elements("body"->'content') AS part WHERE part->>'type' = 'tool_result'
    ) ELSE false END)"""

_MESSAGES: Final[LiteralString] = """"ChatMessage"
    WHERE "userId" = $2 AND "sessionId" = $1 AND "sequence" < COALESCE($3::int, 2147483647) ORDER BY "sequence" DESC"""

# The size of a page that grows back until it does not begin with a result. Only messages from the limit on are
# inspected, up to the first that is not a result.
_WITH_TURN: Final[LiteralString] = f"""$4::int - 1 + COALESCE((
    SELECT "rank" FROM (
        SELECT *, row_number() OVER (ORDER BY "sequence" DESC) AS "rank" FROM (
            SELECT "sequence", "role", "body" FROM {_MESSAGES} OFFSET $4::int - 1 LIMIT {MAX_ADDED}
        ) AS older
    ) AS numbered WHERE NOT {_IS_RESULT} ORDER BY "sequence" DESC LIMIT 1
), {MAX_ADDED} + 1)"""  # noqa: S608  only constants


@cache
def open_session(*, whole_turns: bool) -> LiteralString:
    """Return the statement for a session with its newest messages, or those before $3: at most $4, of $5 bytes in all.

    One statement, so that the messages match the version. Postgres knows the sizes of bodies without reading them, and
    reads only those that are shown. Unless $6 is true, the body of a page that exceeds $5 is null.
    """
    limit = _WITH_TURN if whole_turns else "$4::int"
    return f"""
SELECT "version"::text, CASE WHEN $6::boolean OR NOT page."cut" THEN concat(
    left({json_of(Session, {"messages"}, has_more_messages="more", oldest_sequence="oldest")}, -1),
    ',"messages":[', page."messages", ']}}'
) END AS "body"
FROM "ChatSession" CROSS JOIN (
    SELECT string_agg({MESSAGE}, ',' ORDER BY "sequence") FILTER (WHERE "shown") AS "messages",
        COALESCE(bool_or("bytes" > $5::int), false) AS "cut", min("sequence") FILTER (WHERE "shown") AS "oldest",
        EXISTS (
            SELECT FROM "ChatMessage" WHERE "userId" = $2 AND "sessionId" = $1
                AND "sequence" < (min(newest."sequence") FILTER (WHERE newest."shown"))
        ) AS "more"
    FROM (
        -- The newest message is shown, however large.
        SELECT *, "bytes" <= $5::int OR "bytes" = "size" AS "shown" FROM (
            SELECT *, sum("size") OVER (ORDER BY "sequence" DESC ROWS UNBOUNDED PRECEDING) AS "bytes" FROM (
                SELECT "sequence", "createdAt", "body", octet_length("body"::text) + {ADDED_BYTES} AS "size"
                FROM {_MESSAGES} LIMIT {limit}
            ) AS sized
        ) AS measured
    ) AS newest
) AS page
WHERE "id" = $1 AND "userId" = $2
"""  # noqa: S608  no user input, only constants and the schemas


# The keys of titles that direct SQL has changed are missing until `search_keys` adds them.
TITLE_CONTAINS: Final = '("titleKey" LIKE ${}::text OR "titleKey" IS NULL AND "title" ILIKE ${}::text)'
# The index ranges with the sessions of a list.
_LIVE: Final[LiteralString] = 'NOT "isArchived"'
_ARCHIVED: Final[LiteralString] = '"isArchived"'
RANGES: Final[Mapping[Archived, Sequence[LiteralString]]] = {
    "false": [_LIVE],
    "true": [_ARCHIVED],
    "any": [_LIVE, _ARCHIVED],
}

# A sub-select is evaluated once, not for each row.
_SUMMARY: Final = json_of(SessionSummary, formatted={"user_id": "(SELECT to_json($1::text)::text)"})
METADATA_CONTAINS: Final = '"metadata"::jsonb @> ${}::jsonb'


class ListShape(NamedTuple):
    """What the statement for a list depends on; everything else is a parameter.

    `at_most` is the default limit of a page, or the maximum if the page's own is larger.
    """

    pinned_first: bool
    archived: Archived
    after: bool
    search: bool
    metadata: bool
    at_most: int


@cache
def list_sessions(shape: ListShape) -> LiteralString:
    """Return the statement for a page: $1 user, $2 limit, $3 offset, $4 the total if known.

    Further parameters: the two patterns of a search, the object of a metadata filter, and the cursor's pin (if pinned
    sessions come first), time and id. The cursor is compared as one row, so that Postgres starts its index scan there.
    Title and metadata have no index, which every append would have to maintain: filters scan the rows of one user.

    `at_most` and the limit of the count change no result, only the cost that Postgres expects of a generic plan, which
    otherwise grows with the average account: beside a few large ones, Postgres would plan all other lists each time,
    which takes longer than reading them.
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
    values = [f"${number}::{casts[key]}" for number, key in enumerate(keys, start=first)]
    after = f" AND ({', '.join(keys)}) < ({', '.join(values)})" if shape.after else ""
    order = ", ".join(f"{key} DESC" for key in keys)
    rows = f'SELECT * FROM "ChatSession" WHERE {mine}'  # noqa: S608  as above
    first_rows = f"ORDER BY {order} LIMIT $3::bigint + $2::int + 1"
    shown = " OR ".join(RANGES[shape.archived])
    ranges = " UNION ALL ".join(f"({rows} AND {each}{after} {first_rows})" for each in RANGES[shape.archived])
    all_rows = f'SELECT FROM "ChatSession" WHERE {mine} AND ({shown}) LIMIT {MAX_INTEGER} + $2::bigint'
    planned = PLANNED_FOR_ITS_VALUES if shape.search or shape.metadata else ""
    return f"""{planned}
SELECT
    -- Without an order of its own, the aggregate keeps that of the rows.
    concat('[', string_agg({_SUMMARY}, ',') FILTER (WHERE "rank" <= $2::int), ']') AS "sessions",
    count(*) > $2::int AS "more", bool_or("isPinned") FILTER (WHERE "rank" = $2::int) AS "pinned",
    max("updatedAt") FILTER (WHERE "rank" = $2::int) AS "updated_at", max("id") FILTER (WHERE "rank" = $2::int) AS "id",
    COALESCE($4::int, (SELECT count(*) FROM ({all_rows}) AS mine))::int AS "total"
FROM (
    SELECT *, row_number() OVER (ORDER BY {order}) - $3::int AS "rank" FROM ({ranges}) AS mine
    ORDER BY {order} LIMIT {shape.at_most + 1} OFFSET $3::int
) AS page
"""  # noqa: S608  as above
