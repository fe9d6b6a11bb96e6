"""The queries that change the messages of a session. Each one locks the session's row first."""

from collections.abc import Sequence
from datetime import timedelta

from prisma import Prisma
from prisma.errors import RawQueryError
from prisma.types import ChatMessageWhereInput

from chat_sessions.errors import EndMoved, MessageIdTaken, SessionBusy
from chat_sessions.store import sql_messages
from chat_sessions.store.citus import Topology
from chat_sessions.store.sqlstate import NOT_COMPARABLE, UNIQUE_VIOLATION, has_sqlstate
from chat_sessions.store.versioned import Versioned

# An append that collides with another change of the session sees it on the next attempt.
APPEND_ATTEMPTS = 4
CUT_TIMEOUT = timedelta(seconds=30)


class MessageStore:
    """The messages of all users."""

    def __init__(self, prisma: Prisma, topology: Topology) -> None:
        self._prisma = prisma
        self._topology = topology

    async def append(self, user: str, session_id: str, messages: bytes, after: int | None = None) -> bytes | None:
        """Append a JSON array of records; return the messages with sequences, or None if the session is not the user's.

        Raise EndMoved if the session does not end at `after` and a message is new, and MessageIdTaken if it has another
        message with one of the ids.
        """
        for _ in range(APPEND_ATTEMPTS):
            try:
                given = (session_id, user, messages, after)
                [stored] = await self._topology.query_for(self._prisma, user, sql_messages.APPEND_MESSAGES, *given)
            except RawQueryError as error:
                if has_sqlstate(error, NOT_COMPARABLE):
                    raise MessageIdTaken from None
                if not has_sqlstate(error, UNIQUE_VIOLATION):
                    raise
            else:
                if stored["differs"]:
                    raise MessageIdTaken
                if stored["body"]:
                    return str(stored["body"]).encode()
                if stored["end"] is None:
                    return None
                if after not in {None, stored["end"]}:
                    raise EndMoved
        raise SessionBusy

    async def replace(
        self, user: str, session_id: str, message_id: str, message: bytes, versions: Sequence[int] | None
    ) -> Versioned[bytes] | None:
        """Replace a message with the record in a JSON array of one, and return it.

        Return None unless the user has this message, in a session with one of the versions.
        """
        given = (session_id, user, message, message_id, versions)
        replaced = await self._topology.query_for(self._prisma, user, sql_messages.REPLACE_MESSAGE, *given)
        return Versioned(replaced[0]["body"].encode(), int(replaced[0]["version"])) if replaced else None

    async def exists(self, user: str, session_id: str, message_id: str) -> bool:
        """Return whether the user has this message."""
        where: ChatMessageWhereInput = {"userId": user, "sessionId": session_id, "id": message_id}
        return await self._prisma.chatmessage.count(where=where) == 1

    async def cut(self, user: str, session_id: str, start: int, versions: Sequence[int] | None) -> bool:
        """Delete the messages from a sequence on; return False if the user has no session with one of the versions."""
        async with self._prisma.tx(timeout=CUT_TIMEOUT) as transaction:
            found = await transaction.query_raw(sql_messages.LOCK_SESSION, session_id, user, versions)
            if found and found[0]["messageCount"] > start:
                await transaction.execute_raw(sql_messages.CUT_SESSION, session_id, user, start)
                await transaction.chatmessage.delete_many(
                    where={"userId": user, "sessionId": session_id, "sequence": {"gte": start}}
                )
        return bool(found)
