"""One run: users, faults, and a look at the memory now and then."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random

import httpx

from benchmarks.report import RESULTS
from benchmarks.soak import habits
from benchmarks.soak.audit import audit
from benchmarks.soak.calls import Calls, documented, lines
from benchmarks.soak.faults import rage
from benchmarks.soak.following import Follower
from benchmarks.soak.plan import Plan
from benchmarks.soak.report import Outcome, errors_in
from benchmarks.soak.stage import Stage, staged
from benchmarks.soak.tally import Tally, Weather
from benchmarks.soak.user import User
from chat_sessions.auth.tokens import mint_token

DAY = 86_400
MOST_SAMPLES = 100
# Events of the last deletions may take as long as an outage is noticed.
LAST_EVENTS_SECONDS = 3


def soak(plan: Plan) -> Outcome:
    """Run it, and end all that was started."""
    with staged(plan.name) as stage:
        return asyncio.run(_soak(plan, stage))


async def _soak(plan: Plan, stage: Stage) -> Outcome:
    tally, memory = Tally(Weather()), [stage.memory()]
    began, cpu = time.monotonic(), time.process_time()
    async with lines(stage.url) as clients:
        users, followers = _people(plan, stage, clients, tally)
        async with _followed(followers):
            await _lived(plan, stage, users, tally.weather, memory)
            await asyncio.to_thread(stage.until_well)
            await asyncio.sleep(LAST_EVENTS_SECONDS)
        await audit(stage, users, followers, tally)
    memory.append(stage.memory())
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    return Outcome(seconds, plan.users, cpu, tally, memory, errors_in(RESULTS / f"{plan.name}.log"))


def _people(
    plan: Plan, stage: Stage, clients: Sequence[httpx.AsyncClient], tally: Tally
) -> tuple[list[User], list[Follower]]:
    users, followers, owners, operations = [], [], dict[str, str](), documented()
    for number in range(plan.users):
        name = f"user-{number}"
        chance, token = Random(f"{plan.seed} {name}"), mint_token(stage.secret, name, ttl=DAY)
        user = User(name, Calls(clients, token, tally, chance, operations), tally, chance, owners)
        users.append(user)
        followers.append(Follower(user, stage.url, token, tally))
    return users, followers


@asynccontextmanager
async def _followed(followers: Sequence[Follower]) -> AsyncIterator[None]:
    streams = [asyncio.create_task(each.follow()) for each in followers]
    try:
        yield
    finally:
        for each in streams:
            each.cancel()
        for each in (await asyncio.wait(streams))[0]:
            # Each ends by its cancellation; of what else has ended one we want to hear.
            with suppress(asyncio.CancelledError):
                each.result()


async def _lived(
    plan: Plan, stage: Stage, users: Sequence[User], weather: Weather, memory: list[dict[str, float]]
) -> None:
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for user in users:
            others = [each for each in users if each is not user]
            tasks.create_task(habits.live(user, others, plan.actions_per_second / len(users), ended))
        tasks.create_task(rage(stage, weather, plan, ended))
        samples = min(MOST_SAMPLES, int(plan.seconds))
        for _ in range(samples):
            await asyncio.sleep(plan.seconds / samples)
            memory.append(await asyncio.to_thread(stage.memory))
        ended.set()
