"""The users of a soak, each with a token and an open page."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import TypeVar

import httpx

from benchmarks.soak.calls import Calls, load_operations
from benchmarks.soak.following import Follower
from benchmarks.soak.plan import Plan
from benchmarks.soak.stage import Stage
from benchmarks.soak.tally import Tally
from benchmarks.soak.user import User
from chat_sessions.web.auth.tokens import mint_token

DAY = 86_400
U = TypeVar("U", bound=User)


class People:
    """All current and former users."""

    def __init__(self, plan: Plan, stage: Stage, clients: Sequence[httpx.AsyncClient], tally: Tally) -> None:
        self._plan = plan
        self._stage = stage
        self._clients = clients
        self._tally = tally
        self._owners: dict[str, str] = {}
        self._operations = load_operations()
        self._streams: list[asyncio.Task[None]] = []
        self.users: list[User] = []
        self.followers: list[Follower] = []

    @asynccontextmanager
    async def gathered(self) -> AsyncIterator[None]:
        """Close all pages at the end of the block."""
        try:
            yield
        finally:
            for each in self._streams:
                each.cancel()
            for each in (await asyncio.wait(self._streams))[0]:
                # Raise the error of a page that ended by anything but the cancellation.
                with suppress(asyncio.CancelledError):
                    each.result()

    def join(self, kind: type[U], name: str) -> U:
        """Add a user with an open page."""
        token = mint_token(self._stage.secret, name, ttl=DAY)
        chance = Random(f"{self._plan.seed} {name}")
        calls = Calls(self._clients, token, self._tally, chance, self._operations)
        user = kind(name, calls, self._tally, chance, self._owners)
        follower = Follower(user, self._stage.url, token, self._tally)
        self.users.append(user)
        self.followers.append(follower)
        self._streams.append(asyncio.create_task(follower.follow()))
        return user
