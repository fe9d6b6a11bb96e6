"""Recreates archived sessions, one at a time."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic import ValidationError

from chat_sessions.contract.archive import ArchivedSession
from chat_sessions.contract.changes import Change
from chat_sessions.contract.mistakes import Mistake, mistakes
from chat_sessions.errors import BadRequest, ChatSessionsError, SessionIdTaken
from chat_sessions.operator.evictor import CommandEvictor
from chat_sessions.store.session_store import SessionStore

EVICTED_AT_ONCE = 100
# Mistakes that show that a line is not an archived session, rather than a damaged one.
FOREIGN_KINDS = frozenset(("missing", "extra_forbidden"))


class Record(NamedTuple):
    """A session in a file, and its position there."""

    number: int
    session: Mapping[str, Any]


class Rejected(NamedTuple):
    """A record that was not imported, and why."""

    number: int
    reason: str
    #: Whether it is not an archived session at all.
    is_foreign: bool = False


class Taken(NamedTuple):
    """A session that was not imported because of its id."""

    number: int
    #: Whether the user has a session with this id, rather than has deleted one.
    is_here: bool


Outcome = ArchivedSession | Rejected | Taken


class ForeignFile(ChatSessionsError):
    """The file is not an export, so every line would be rejected."""

    def __init__(self, first: Rejected) -> None:
        super().__init__(
            f"This is not an export: line {first.number} is not a session ({first.reason}). "
            "If ChatGPT, Claude, Open WebUI or LibreChat wrote it, use --from. An export has one session per line: "
            "`jq -c . FILE` undoes pretty-printing, and `jq -c '.[]' FILE` turns an array into lines."
        )


class Importer:
    """Recreates sessions with their ids, sequences, timestamps, pins and archive flags."""

    def __init__(self, store: SessionStore, evictor: CommandEvictor) -> None:
        self._store = store
        self._evictor = evictor

    async def run(self, user: str, records: Iterable[Record | Rejected], *, new_ids: bool) -> AsyncGenerator[Outcome]:
        """Import each session atomically and yield its outcome; raise ForeignFile if the first record is foreign."""
        changes: list[Change] = []
        is_first = True
        try:
            for record in records:
                outcome = await self._import(user, record, new_ids=new_ids) if isinstance(record, Record) else record
                if is_first and isinstance(outcome, Rejected) and outcome.is_foreign:
                    raise ForeignFile(outcome)
                is_first = False
                if isinstance(outcome, ArchivedSession):
                    changes.append(Change(outcome.id, "created"))
                yield outcome
                if len(changes) == EVICTED_AT_ONCE:
                    await self._evictor.evict(user, changes)
                    changes = []
        finally:
            if changes:
                await self._evictor.evict(user, changes)

    async def _import(self, user: str, record: Record, *, new_ids: bool) -> Outcome:
        number, given = record
        try:
            session = ArchivedSession.model_validate(given)
            if new_ids:
                session = session.model_copy(update={"id": str(uuid4())})
            await self._store.restore(user, session)
        except ValidationError as error:
            return _rejected(number, mistakes(error.errors(), given))
        except BadRequest as error:
            return Rejected(number, str(error))
        except SessionIdTaken:
            return Taken(number, is_here=await self._store.exists(user, session.id))
        return session


def _rejected(number: int, found: Sequence[Mistake]) -> Rejected:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    is_foreign = any(each.kind in FOREIGN_KINDS and len(each.path) == 1 for each in found)
    return Rejected(number, f"{found[0]}{more}", is_foreign)
