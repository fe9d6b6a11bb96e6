"""Exports a user's sessions as NDJSON and imports them, one page and one line in memory at a time."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from pydantic import ValidationError

from chat_sessions.contract.archive import ArchivedSession
from chat_sessions.contract.changes import Change
from chat_sessions.contract.mistakes import Mistake, mistakes
from chat_sessions.contract.spelling import read
from chat_sessions.errors import BadRequest, ChatSessionsError, SessionIdTaken
from chat_sessions.operator.evictor import CommandEvictor
from chat_sessions.store.export_store import ExportStore
from chat_sessions.store.session_store import SessionStore

EVICTED_AT_ONCE = 100
ADVICE = (
    "An export has one session per line. `jq -c . FILE` undoes pretty-printing, and `jq -c '.[]' FILE` turns an array "
    "into lines."
)
# Kinds of mistakes in the fields of a session that no single damaged line has.
FOREIGN_KINDS = frozenset(("missing", "extra_forbidden"))


class Writer(Protocol):
    """A binary output."""

    def write(self, data: bytes, /) -> object:
        """Write some bytes."""


class Exporter:
    """Writes all sessions of a user in order of creation."""

    def __init__(self, exports: ExportStore) -> None:
        self._exports = exports

    async def run(self, user: str, out: Writer) -> int:
        """Write one line per session and return their number; a session deleted meanwhile is left out entirely."""
        written = 0
        async for line in self._exports.lines(user):
            for chunk in line:
                out.write(chunk)
            written += 1
        return written


class RejectedLine(NamedTuple):
    """A line that was not imported, and why."""

    line: int
    reason: str
    #: Whether it is no session of an export at all.
    is_foreign: bool = False


class ForeignFile(ChatSessionsError):
    """The file is no export, so every line would be rejected."""

    def __init__(self, line: RejectedLine) -> None:
        super().__init__(f"This is not an export: line {line.line} is not a session ({line.reason}). {ADVICE}")


class Importer:
    """Recreates sessions with their ids, sequences, timestamps and pins."""

    def __init__(self, store: SessionStore, evictor: CommandEvictor) -> None:
        self._store = store
        self._evictor = evictor

    async def run(
        self, user: str, lines: Iterable[bytes], *, new_ids: bool
    ) -> AsyncGenerator[ArchivedSession | RejectedLine]:
        """Import line by line, each atomically, and yield each outcome; raise ForeignFile if the first is foreign."""
        changes: list[Change] = []
        is_first = True
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    outcome = await self._import(user, number, line, new_ids=new_ids)
                    if is_first and isinstance(outcome, RejectedLine) and outcome.is_foreign:
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

    async def _import(self, user: str, number: int, line: bytes, *, new_ids: bool) -> ArchivedSession | RejectedLine:
        try:
            given = _read(line)
        except BadRequest as error:
            return RejectedLine(number, str(error), is_foreign=True)
        try:
            session = ArchivedSession.model_validate(given)
            if new_ids:
                session = session.model_copy(update={"id": str(uuid4())})
            await self._store.restore(user, session)
        except ValidationError as error:
            return _rejected(number, mistakes(error.errors(), given))
        except BadRequest as error:
            return RejectedLine(number, str(error))
        except SessionIdTaken:
            return RejectedLine(number, "the session id is taken, or was deleted recently; use --new-ids to mint ids")
        return session


def _read(line: bytes) -> dict[str, Any]:
    try:
        session = read(line.decode())
    except (ValueError, RecursionError) as error:
        raise BadRequest("not a JSON document in Unicode") from error
    if not isinstance(session, dict):
        raise BadRequest("not a JSON object")
    return session


def _rejected(number: int, found: Sequence[Mistake]) -> RejectedLine:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    is_foreign = any(each.kind in FOREIGN_KINDS and len(each.path) == 1 for each in found)
    return RejectedLine(number, f"{found[0]}{more}", is_foreign)
