"""Everybody who uses the service: with a name, a token, and an open page that follows their feed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import TypeVar

import httpx

from benchmarks.soak.calls import Calls, documented
from benchmarks.soak.following import Follower
from benchmarks.soak.plan import Plan
from benchmarks.soak.stage import Stage
from benchmarks.soak.tally import Tally
from benchmarks.soak.user import User
from chat_sessions.web.auth.tokens import mint_token

DAY = 86_400
U = TypeVar("U", bound=User)


class People:
    """Those who are there, and those who were."""

    def __init__(self, plan: Plan, stage: Stage, clients: Sequence[httpx.AsyncClient], tally: Tally) -> None:
        self._plan = plan
        self._stage = stage
        self._clients = clients
        self._tally = tally
        self._owners: dict[str, str] = {}
        self._operations = documented()
        self._streams: list[asyncio.Task[None]] = []
        self.users: list[User] = []
        self.followers: list[Follower] = []

    @asynccontextmanager
    async def gathered(self) -> AsyncIterator[None]:
        """Close their pages when the block ends."""
        try:
            yield
        finally:
            for each in self._streams:
                each.cancel()
            for each in (await asyncio.wait(self._streams))[0]:
                # Each ends by its cancellation; of what else has ended one we want to hear.
                with suppress(asyncio.CancelledError):
                    each.result()

    def join(self, kind: type[U], name: str) -> U:
        """Let somebody join, and open a page."""
        token = mint_token(self._stage.secret, name, ttl=DAY)
        chance = Random(f"{self._plan.seed} {name}")
        calls = Calls(self._clients, token, self._tally, chance, self._operations)
        user = kind(name, calls, self._tally, chance, self._owners)
        follower = Follower(user, self._stage.url, token, self._tally)
        self.users.append(user)
        self.followers.append(follower)
        self._streams.append(asyncio.create_task(follower.follow()))
        return user
