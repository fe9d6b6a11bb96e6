"""Runs users and faults, and samples memory."""

import asyncio
import time

from benchmarks.report import RESULTS
from benchmarks.soak import giant, habits
from benchmarks.soak.audit import audit
from benchmarks.soak.calls import open_clients
from benchmarks.soak.faults import inject_faults
from benchmarks.soak.people import People
from benchmarks.soak.plan import Plan
from benchmarks.soak.report import Outcome, read_errors
from benchmarks.soak.stage import Stage, started
from benchmarks.soak.tally import FaultLog, Tally
from benchmarks.soak.user import User

MOST_SAMPLES = 100
# The last events may be as late as the detection of an outage.
LAST_EVENTS_SECONDS = 3


def soak(plan: Plan) -> Outcome:
    """Run a plan on fresh servers."""
    with started(plan.name) as stage:
        return asyncio.run(_soak(plan, stage))


async def _soak(plan: Plan, stage: Stage) -> Outcome:
    tally, memory = Tally(FaultLog()), [stage.memory()]
    began, cpu = time.monotonic(), time.process_time()
    async with open_clients(stage.url) as clients:
        people = People(plan, stage, clients, tally)
        async with people.gathered():
            await _run_users(plan, stage, people, tally.faults, memory)
            await asyncio.to_thread(stage.wait_until_healthy)
            await asyncio.sleep(LAST_EVENTS_SECONDS)
        await audit(stage, people, tally)
    memory.append(stage.memory())
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    return Outcome(seconds, plan.users, cpu, tally, memory, read_errors(RESULTS / f"{plan.name}.log"))


async def _run_users(
    plan: Plan, stage: Stage, people: People, fault_log: FaultLog, memory: list[dict[str, float]]
) -> None:
    ended = asyncio.Event()
    users = [people.join(User, f"user-{number}") for number in range(plan.users)]
    async with asyncio.TaskGroup() as tasks:
        for user in users:
            others = [each for each in users if each is not user]
            tasks.create_task(habits.live(user, others, plan.actions_per_second / len(users), ended))
        for number in range(plan.giants):
            tasks.create_task(giant.lives(number, people, stage.database.url, plan, ended))
        tasks.create_task(inject_faults(stage, fault_log, plan, ended))
        samples = min(MOST_SAMPLES, int(plan.seconds))
        for _ in range(samples):
            await asyncio.sleep(plan.seconds / samples)
            memory.append(await asyncio.to_thread(stage.memory))
        ended.set()
