"""The model: the expected sessions, and the deployment that must match them."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize

from tests.process import ServiceProcess
from tests.service import Caller
from tests.world import World

T = TypeVar("T")
USERS = ("ada", "bob")
# The last worker is a separate process, which can be paused.
WORKERS = (0, 1, 2)
IN_PROCESS = (0, 1)

users = st.sampled_from(USERS)
workers = st.sampled_from(WORKERS)
titles = st.text(alphabet="aäß😀\u2028 %_", min_size=1, max_size=8).filter(lambda title: title.strip() != "")


@dataclass
class ModelSession:
    """The expected state of a session."""

    owner: str
    title: str | None
    is_pinned: bool = False
    is_archived: bool = False
    metadata: dict[str, int] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    #: The ETag of the last read, until something changes.
    etag: str | None = None


class Modelled(RuleBasedStateMachine):
    """A model of two users' sessions, and three workers that must agree with it."""

    runner: ClassVar[asyncio.Runner]
    world: ClassVar[World]
    process: ClassVar[ServiceProcess]
    callers: ClassVar[dict[tuple[str, int], Caller]]

    sessions = Bundle("sessions")
    deleted_ids = Bundle("deleted_ids")

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[str, ModelSession] = {}
        self.redis_is = "up"
        self.process_is_paused = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin_empty(self) -> None:
        self.run(self.world.emptied())

    def caller(self, user: str, worker: int) -> Caller:
        """Return the user's caller on a worker, or on another one while that is paused."""
        return self.callers[user, 0 if worker not in self.awake() else worker]

    def awake(self) -> Sequence[int]:
        return IN_PROCESS if self.process_is_paused else WORKERS

    def of(self, user: str, session_id: str) -> ModelSession | None:
        """Return the session if it exists and belongs to the user."""
        session = self.alive.get(session_id)
        return session if session and session.owner == user else None

    def all_of(self, user: str) -> list[str]:
        return [key for key, each in self.alive.items() if each.owner == user]
