"""Changes to sessions: the store reports them, the cache evicts what they affect, the feed publishes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

# "archived" is an update that moves a session into the archive or out of it, which changes the totals of the lists.
ChangeKind = Literal["created", "updated", "archived", "deleted"]


class Change(NamedTuple):
    """A change to one session, and the token of its writer's lock, which the eviction releases."""

    session_id: str
    kind: ChangeKind
    lock_token: str = ""


@dataclass(frozen=True, slots=True)
class ManyDeleted:
    """Deleted sessions of one user, too many to list by id."""

    count: int


Changes = Sequence[Change] | ManyDeleted


def count_of(changes: Changes) -> int:
    """Return the number of changed sessions."""
    return changes.count if isinstance(changes, ManyDeleted) else len(changes)
