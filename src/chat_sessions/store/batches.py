"""Deletes the sessions of a batch in pieces, each in a transaction of its own."""

from asyncio import sleep
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from time import monotonic

from prisma import Prisma
from prisma.models import ChatSession
from prisma.types import ChatSessionWhereInput

from chat_sessions.contract.schemas import BatchDeletion
from chat_sessions.errors import SessionBusy, StatementUndone
from chat_sessions.store import filters, sql_writes

PIECE_TIMEOUT = timedelta(seconds=30)
SNAPSHOT_ATTEMPTS = 5
# The cascade must delete the messages of a piece within statement_timeout. Small pieces also keep the engine and the
# event loop responsive, and make Postgres look up each id instead of reading the account.
SESSIONS_PER_PIECE = 250
MESSAGES_PER_PIECE = 20_000


async def delete_in_pieces(prisma: Prisma, user: str, batch: BatchDeletion) -> AsyncGenerator[Sequence[str], None]:
    """Delete the sessions of a batch, yielding the ids of each piece; a dry run only yields them."""
    named = filters.of_batch(user, batch)
    where, begun_at = named, None
    while True:
        started = monotonic()
        found, more = await _delete_piece(prisma, user, where, dry_run=batch.dry_run)
        yield [each.id for each in found]
        if not more:
            return
        # Leave half of the time to other requests.
        await sleep(monotonic() - started)
        begun_at = begun_at or await _now(prisma)
        where = filters.beyond(named, found[-1].id, begun_at)


async def _delete_piece(
    prisma: Prisma, user: str, where: ChatSessionWhereInput, *, dry_run: bool
) -> tuple[Sequence[ChatSession], bool]:
    """Delete one piece; return its sessions and whether there are more."""
    for _ in range(SNAPSHOT_ATTEMPTS):
        try:
            async with prisma.tx(timeout=PIECE_TIMEOUT) as transaction:
                # Both statements see the same rows; if a row changes in between, the second one fails.
                await transaction.execute_raw("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                await transaction.execute_raw(sql_writes.PLAN_FOR_THE_VALUES)
                found = await transaction.chatsession.find_many(
                    where=where, order={"id": "asc"}, take=SESSIONS_PER_PIECE
                )
                piece = _bounded(found)
                if piece and not dry_run:
                    ids = [each.id for each in piece]
                    await transaction.chatsession.delete_many(where={"userId": user, "id": {"in": ids}})
                return piece, len(piece) < len(found) or len(found) == SESSIONS_PER_PIECE
        except StatementUndone:
            continue
    raise SessionBusy


async def _now(prisma: Prisma) -> datetime:
    return datetime.fromisoformat((await prisma.query_raw('SELECT now() AS "now"'))[0]["now"])


def _bounded(found: Sequence[ChatSession]) -> Sequence[ChatSession]:
    """Return the first sessions with at most MESSAGES_PER_PIECE messages in total, but at least one session."""
    messages = 0
    for number, each in enumerate(found):
        messages += each.messageCount
        if number and messages > MESSAGES_PER_PIECE:
            return found[:number]
    return found
