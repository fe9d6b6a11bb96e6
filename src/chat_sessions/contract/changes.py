"""What happened to sessions: what the store reports, the cache evicts and the feed publishes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

ChangeKind = Literal["created", "updated", "deleted"]


class Change(NamedTuple):
    """What happened to one session."""

    session_id: str
    kind: ChangeKind


@dataclass(frozen=True, slots=True)
class ManyDeleted:
    """More deleted sessions of a user than are worth naming."""

    count: int


Changes = Sequence[Change] | ManyDeleted


def count_of(changes: Changes) -> int:
    """Return how many sessions changed."""
    return changes.count if isinstance(changes, ManyDeleted) else len(changes)
