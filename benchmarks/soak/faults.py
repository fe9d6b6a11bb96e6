"""The faults, their durations, and the failures that each tolerates."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import NamedTuple

import redis

from benchmarks.soak.calls import CUT
from benchmarks.soak.plan import Plan
from benchmarks.soak.stage import Stage, rolled_back, suspended
from benchmarks.soak.tally import FaultLog

STREAM_CUT = "stream cut"
NOTHING: frozenset[str] = frozenset()
NO_DATABASE = frozenset({"503"})
NO_WORKER = frozenset({"503", CUT, STREAM_CUT})
SHORTEST, LONGEST = 0.5, 5.0
# Redis is back and the outbox drained while the worker is still paused.
AFTER_REDIS_SECONDS = 0.5
# Calls that were in progress at the recovery may still fail.
AFTERMATH_SECONDS = 1.0


def redis_killed(stage: Stage, seconds: float) -> None:
    """Kill Redis and restart it with its data."""
    stage.redis.kill()
    time.sleep(seconds)
    stage.redis.start()


def redis_emptied(stage: Stage, seconds: float) -> None:
    """Kill Redis and restart it empty."""
    stage.redis.kill()
    time.sleep(seconds)
    stage.redis.restart(keep_data=False)


def redis_flushed(stage: Stage, _seconds: float) -> None:
    """Flush a running Redis: the same process, but without any hold."""
    with redis.Redis.from_url(stage.redis.url) as server:
        server.flushall()


def redis_set_back(stage: Stage, seconds: float) -> None:
    """Restore Redis to its data from some seconds ago."""
    with rolled_back(stage.redis):
        time.sleep(seconds)


def redis_paused(stage: Stage, seconds: float) -> None:
    """Pause Redis, which then responds to everything sent during the pause."""
    stage.redis.pause()
    time.sleep(seconds)
    stage.redis.resume()


def postgres_restarted(stage: Stage, _seconds: float) -> None:
    """Restart Postgres gracefully."""
    stage.database.restart()


def postgres_killed(stage: Stage, seconds: float) -> None:
    """Crash Postgres and let it recover."""
    stage.database.kill()
    time.sleep(seconds)
    stage.database.start()


def postgres_paused(stage: Stage, seconds: float) -> None:
    """Pause Postgres, so that reads outlast the holds."""
    stage.database.pause()
    time.sleep(seconds)
    stage.database.resume()


def engine_killed(stage: Stage, _seconds: float) -> None:
    """Kill a query engine: never the oldest, whose memory is tracked over the whole run."""
    stage.engines()[-1].kill()


def engine_paused(stage: Stage, seconds: float) -> None:
    """Pause a query engine."""
    with suspended(stage.engines()[-1].send_signal):
        time.sleep(seconds)


def worker_killed(stage: Stage, _seconds: float) -> None:
    """Kill the newest worker at a random point."""
    stage.workers()[-1].kill()


def worker_paused(stage: Stage, seconds: float) -> None:
    """Pause a worker, like an overloaded machine."""
    with suspended(stage.workers()[-1].send_signal):
        time.sleep(seconds)


def machine_paused(stage: Stage, seconds: float) -> None:
    """Pause a worker and its engine, like a VM migration, while Redis is away for a shorter time."""
    engine, worker = stage.engines()[-1], stage.workers()[-1]
    with suspended(worker.send_signal), suspended(engine.send_signal):
        stage.redis.pause()
        time.sleep(seconds)
        stage.redis.resume()
        time.sleep(AFTER_REDIS_SECONDS)


class Fault(NamedTuple):
    """How to inject a fault, and which failures it tolerates; a fault of Redis tolerates none."""

    inject: Callable[[Stage, float], None]
    tolerates: frozenset[str]


FAULTS: dict[str, Fault] = {
    "Redis killed": Fault(redis_killed, NOTHING),
    "Redis emptied": Fault(redis_emptied, NOTHING),
    "Redis flushed": Fault(redis_flushed, NOTHING),
    "Redis set back": Fault(redis_set_back, NOTHING),
    "Redis paused": Fault(redis_paused, NOTHING),
    "Postgres restarted": Fault(postgres_restarted, NO_DATABASE),
    "Postgres killed": Fault(postgres_killed, NO_DATABASE),
    "Postgres paused": Fault(postgres_paused, NO_DATABASE),
    "engine killed": Fault(engine_killed, NO_DATABASE),
    "engine paused": Fault(engine_paused, NO_DATABASE),
    "worker killed": Fault(worker_killed, NO_WORKER),
    "worker paused": Fault(worker_paused, NO_WORKER),
    "machine and Redis paused": Fault(machine_paused, NO_WORKER),
}


async def inject_faults(stage: Stage, fault_log: FaultLog, plan: Plan, ended: asyncio.Event) -> None:
    """Inject the plan's faults in random order with pauses in between, until the end."""
    chance = Random(plan.seed)
    while plan.faults:
        for name in chance.sample(plan.faults, len(plan.faults)):
            with suppress(TimeoutError):
                async with asyncio.timeout(plan.calm_seconds * chance.uniform(0.5, 1.5)):
                    await ended.wait()
                    return
            await _inject(stage, fault_log, name, chance.uniform(SHORTEST, LONGEST))


async def _inject(stage: Stage, fault_log: FaultLog, name: str, seconds: float) -> None:
    fault = FAULTS[name]
    with fault_log.of(name, fault.tolerates):
        await asyncio.to_thread(fault.inject, stage, seconds)
        await asyncio.to_thread(stage.wait_until_healthy)
        await asyncio.sleep(AFTERMATH_SECONDS)
