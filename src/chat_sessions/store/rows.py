"""Converts between the JSON of the API and the parameters and rows of Postgres."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from json import dumps
from typing import Any, Final
from uuid import uuid4

from pydantic import MISSING
from pydantic_core import to_json

from chat_sessions.contract.archive import ArchivedMessage, ArchivedSession
from chat_sessions.contract.cursor import Cursor
from chat_sessions.contract.messages import OWN_FIELDS, NewMessage
from chat_sessions.contract.schemas import SessionChange, SessionList
from chat_sessions.contract.search_key import search_key
from chat_sessions.contract.searchable_text import message_key
from chat_sessions.contract.spelling import text_of, without

# The JSON of the fields that a message omits.
DEFAULTS: Final[Mapping[str, str]] = {
    name: to_json(field.get_default(call_default_factory=True, validated_data={})).decode()
    for name, field in NewMessage.model_fields.items()
    if not field.is_required()
}


def list_body(page: Mapping[str, Any], *, pinned_first: bool) -> bytes:
    """Return the JSON of a page of the list."""
    cursor = None
    if page["more"]:
        updated_at = datetime.fromisoformat(page["updated_at"])
        cursor = Cursor(page["pinned"] if pinned_first else None, updated_at, page["id"]).encode()
    parts = {"sessions": page["sessions"], "total": page["total"], "next_cursor": dumps(cursor)}
    return ("{" + ",".join(f'"{name}":{parts[name]}' for name in SessionList.model_fields) + "}").encode()


def array(records: Iterable[bytes]) -> bytes:
    """Return records as a JSON array for Postgres."""
    return b"[" + b",".join(records) + b"]"


def arrays(records: Iterable[bytes], count: int, size: int) -> Iterator[bytes]:
    """Yield the records in arrays of at most `count` records and `size` bytes; a larger record gets its own array."""
    some, taken = list[bytes](), 0
    for each in records:
        if some and (len(some) == count or taken + len(each) > size):
            yield array(some)
            some, taken = [], 0
        some.append(each)
        taken += len(each)
    if some:
        yield array(some)


def restored(user: str, session: ArchivedSession) -> tuple[object, ...]:
    """Return the parameters of RESTORE_SESSION."""
    times = (_moment(session.created_at), _moment(session.updated_at))
    title = (session.title, title_key(session.title))
    flags = (session.is_pinned, session.is_archived)
    return (user, session.id, *title, *flags, text_of(session.metadata), len(session.messages), *times)


def changed(change: SessionChange) -> tuple[object, ...]:
    """Return the parameters of CHANGE_SESSION, except the metadata."""
    title = ("title" in change.model_fields_set, change.title, title_key(change.title))
    return (*title, *(None if flag is MISSING else flag for flag in (change.is_pinned, change.is_archived)))


def title_key(title: str | None) -> str | None:
    """Return the value of the column `titleKey`."""
    return None if title is None else search_key(title)


def record(message: NewMessage, known_id: str | None = None, *, keyed: bool = True) -> bytes:
    """Return a message as a JSON record for Postgres; its body keeps the JSON that was sent verbatim.

    Unless `keyed`, it has no search key, which `search_keys.py` adds later.
    """
    message_id = dumps(message.id or known_id or str(uuid4()))
    columns = {"id": message_id, "role": dumps(message.role), "body": _body(message, message_id)}
    if keyed:
        columns["searchKey"] = to_json(message_key(message.searchable_text)).decode()
    if isinstance(message, ArchivedMessage):
        columns |= {"sequence": dumps(message.sequence), "created_at": dumps(_moment(message.created_at))}
    return _object(columns).encode()


def _moment(moment: datetime) -> str:
    # Truncated to the precision of the columns: Postgres would round, possibly up to the year 10000.
    return moment.isoformat(timespec="milliseconds")


def _body(message: NewMessage, message_id: str) -> str:
    """Return the JSON that was sent, preceded by the defaults of omitted fields."""
    text, given = message.text, message.model_fields_set
    replaced = {name for name in given if name in OWN_FIELDS or (name == "id" and message.id is None)}
    if replaced:
        text = without(text, replaced)
    added = {name: value for name, value in DEFAULTS.items() if name not in given - replaced}
    if "id" in added:
        added["id"] = message_id
    # The text is never an empty object: the role is required.
    return _object(added).removesuffix("}") + ("," if added else "") + text.removeprefix("{")


def _object(members: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"
