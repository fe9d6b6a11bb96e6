"""Deletes the sessions of a batch in pieces, each in its own transaction."""

from asyncio import sleep
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final, LiteralString

from prisma import Prisma
from pydantic import MISSING

from chat_sessions.contract.schemas import BatchDeletion
from chat_sessions.contract.spelling import text_of
from chat_sessions.errors import SessionBusy, StatementUndone
from chat_sessions.store import filters
from chat_sessions.store.sql_reads import METADATA_CONTAINS, PLANNED_FOR_ITS_VALUES, TITLE_CONTAINS

PIECE_TIMEOUT = timedelta(seconds=30)
SNAPSHOT_ATTEMPTS = 5
# The cascade must delete the messages of a piece within statement_timeout. Small pieces also keep the engine and the
# event loop responsive, and make Postgres look up each id instead of reading the account.
SESSIONS_PER_PIECE = 250
MESSAGES_PER_PIECE = 20_000

# The sessions of a batch with ids above $2, except those created after it began, at $3. Null matches any value, at no
# cost: Postgres plans the statement for these values.
FIND_PIECE: Final[LiteralString] = f"""
{PLANNED_FOR_ITS_VALUES}
SELECT "id", "messageCount" FROM "ChatSession"
WHERE "userId" = $1 AND ($2::text IS NULL OR "id" > $2) AND ($3::timestamptz IS NULL OR "createdAt" <= $3)
    AND ($5::text[] IS NULL OR "id" = ANY($5)) AND ($6::timestamptz IS NULL OR "updatedAt" < $6)
    AND ($7::boolean IS NULL OR "isPinned" = $7) AND ($8::boolean IS NULL OR "isArchived" = $8)
    AND ($9::text IS NULL OR {TITLE_CONTAINS.format(9, 10)})
    AND ($11::jsonb IS NULL OR {METADATA_CONTAINS.format(11)})
ORDER BY "id" LIMIT $4::int
"""  # noqa: S608  no user input, only constants


async def delete_in_pieces(prisma: Prisma, user: str, batch: BatchDeletion) -> AsyncGenerator[Sequence[str], None]:
    """Delete the sessions of a batch, yielding the ids of each piece; a dry run only yields them."""
    wanted, last, begun_at = _wanted(batch), None, None
    while True:
        started = monotonic()
        given = (last, begun_at, SESSIONS_PER_PIECE, *wanted)
        ids, more = await _delete_piece(prisma, user, given, dry_run=batch.dry_run)
        yield ids
        if not more:
            return
        # Leave half of the time to other requests.
        await sleep(monotonic() - started)
        last, begun_at = ids[-1], begun_at or await _now(prisma)


def _wanted(batch: BatchDeletion) -> tuple[object, ...]:
    """Return the criteria as parameters of FIND_PIECE, where null matches any value."""
    if batch.filter is None:
        return (batch.ids, None, None, None, None, None, None)
    criteria = batch.filter
    plain = (criteria.updated_before, criteria.pinned, criteria.archived)
    titles = (None, None) if criteria.q is MISSING else filters.patterns(criteria.q)
    metadata = None if criteria.metadata is MISSING else text_of(criteria.metadata)
    return (None, *(None if each is MISSING else each for each in plain), *titles, metadata)


async def _delete_piece(
    prisma: Prisma, user: str, given: tuple[object, ...], *, dry_run: bool
) -> tuple[Sequence[str], bool]:
    """Delete one piece; return its ids and whether there are more."""
    for _ in range(SNAPSHOT_ATTEMPTS):
        try:
            async with prisma.tx(timeout=PIECE_TIMEOUT) as transaction:
                # Both statements see the same rows; if a row changes in between, the second one fails.
                await transaction.execute_raw("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                found = await transaction.query_raw(FIND_PIECE, user, *given)
                ids = _bounded(found)
                if ids and not dry_run:
                    await transaction.chatsession.delete_many(where={"userId": user, "id": {"in": ids}})
                return ids, len(ids) < len(found) or len(found) == SESSIONS_PER_PIECE
        except StatementUndone:
            continue
    raise SessionBusy


async def _now(prisma: Prisma) -> datetime:
    return datetime.fromisoformat((await prisma.query_raw('SELECT now() AS "now"'))[0]["now"])


def _bounded(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the first ids with at most MESSAGES_PER_PIECE messages in total, but at least one id."""
    ids: list[str] = []
    messages = 0
    for each in found:
        messages += each["messageCount"]
        if ids and messages > MESSAGES_PER_PIECE:
            break
        ids.append(each["id"])
    return ids
