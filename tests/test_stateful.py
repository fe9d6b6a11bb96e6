"""Stateful test: after any sequence of calls and faults, every response is allowed by a simple model."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from chat_sessions.dev.embedded import Postgres
from chat_sessions.settings import Settings
from tests.process import serving
from tests.service import Caller
from tests.stateful.extremes import HEAVY, Extremes
from tests.stateful.faults import Faults
from tests.stateful.messages import MessageCalls
from tests.stateful.model import USERS
from tests.stateful.usual import UsualCalls
from tests.world import world

# Fewer Redis connections than concurrent writers.
QUICK = {"sweep_interval": 0.1, "redis_timeout": 0.1, "cache_hold": 0.3, "lease_slack": 0.3, "redis_pool_size": 8}


# One sequence takes as long as many examples of another test.
SEQUENCES = hypothesis.settings().max_examples // 7


class ChatMachine(UsualCalls, MessageCalls, Extremes, Faults):
    """Two users and a heavy one, three workers, a Redis that fails, and engines that die."""


@asynccontextmanager
async def deployed(postgres: Postgres, settings: Settings) -> AsyncIterator[None]:
    """Start the deployment that the machine tests."""
    async with AsyncExitStack() as stack:
        ChatMachine.world = await stack.enter_async_context(world(postgres, settings, **QUICK))
        ChatMachine.process = await stack.enter_async_context(serving(ChatMachine.world.settings))
        ChatMachine.callers = {}
        for user in (*USERS, HEAVY):
            in_process = await stack.enter_async_context(ChatMachine.world.callers(user))
            beside = await stack.enter_async_context(ChatMachine.process.caller(user))
            callers: tuple[Caller, ...] = (*in_process, beside)
            ChatMachine.callers |= {(user, worker): caller for worker, caller in enumerate(callers)}
        yield


def test_every_response_is_allowed_by_the_model(postgres: Postgres, settings: Settings) -> None:
    with asyncio.Runner() as runner:
        ChatMachine.runner = runner
        deployment = deployed(postgres, settings)
        runner.run(deployment.__aenter__())
        try:
            run_state_machine_as_test(ChatMachine, settings=hypothesis.settings(max_examples=SEQUENCES))
        finally:
            runner.run(deployment.__aexit__(None, None, None))
