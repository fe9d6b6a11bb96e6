"""What is taken away, for how long, and what that excuses."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import NamedTuple

import redis

from benchmarks.soak.calls import CUT
from benchmarks.soak.plan import Plan
from benchmarks.soak.stage import Stage, remembered, stopped
from benchmarks.soak.tally import Weather

STREAM_CUT = "stream cut"
NOTHING: frozenset[str] = frozenset()
NO_DATABASE = frozenset({"503"})
NO_WORKER = frozenset({"503", CUT, STREAM_CUT})
SHORTEST, LONGEST = 0.5, 5.0
# What has waited for Redis is made good, but the worker that stands still does not know.
AFTER_REDIS_SECONDS = 0.5
# What was under way when all was well again may still be told.
AFTERMATH_SECONDS = 1.0


def redis_killed(stage: Stage, seconds: float) -> None:
    """Let Redis die and come back with its data."""
    stage.redis.kill()
    time.sleep(seconds)
    stage.redis.start()


def redis_emptied(stage: Stage, seconds: float) -> None:
    """Let Redis die and come back empty."""
    stage.redis.kill()
    time.sleep(seconds)
    stage.redis.restart(keep_data=False)


def redis_flushed(stage: Stage, _seconds: float) -> None:
    """Let somebody empty a Redis that goes on: it is the same process, and has forgotten every hold."""
    with redis.Redis.from_url(stage.redis.url) as server:
        server.flushall()


def redis_set_back(stage: Stage, seconds: float) -> None:
    """Let Redis come back with the data from some seconds ago."""
    with remembered(stage.redis):
        time.sleep(seconds)


def redis_paused(stage: Stage, seconds: float) -> None:
    """Let Redis be silent, and then answer all that it was asked."""
    stage.redis.pause()
    time.sleep(seconds)
    stage.redis.resume()


def postgres_restarted(stage: Stage, _seconds: float) -> None:
    """Restart Postgres in good order."""
    stage.database.restart()


def postgres_killed(stage: Stage, seconds: float) -> None:
    """Let Postgres crash and recover."""
    stage.database.kill()
    time.sleep(seconds)
    stage.database.start()


def postgres_paused(stage: Stage, seconds: float) -> None:
    """Let Postgres be silent: readers become later than holds live."""
    stage.database.pause()
    time.sleep(seconds)
    stage.database.resume()


def engine_killed(stage: Stage, _seconds: float) -> None:
    """Let a query engine die. Here and below the eldest is spared: its memory is watched over the whole time."""
    stage.engines()[-1].kill()


def engine_paused(stage: Stage, seconds: float) -> None:
    """Let a query engine hang."""
    with stopped(stage.engines()[-1].send_signal):
        time.sleep(seconds)


def worker_killed(stage: Stage, _seconds: float) -> None:
    """Let a worker die, wherever it is."""
    stage.workers()[-1].kill()


def worker_paused(stage: Stage, seconds: float) -> None:
    """Let a worker stand still, as if its machine was overloaded, and go on."""
    with stopped(stage.workers()[-1].send_signal):
        time.sleep(seconds)


def machine_paused(stage: Stage, seconds: float) -> None:
    """Let a worker stand still with its engine, as if its machine was moved, while Redis is away for a shorter time."""
    engine, worker = stage.engines()[-1], stage.workers()[-1]
    with stopped(worker.send_signal), stopped(engine.send_signal):
        stage.redis.pause()
        time.sleep(seconds)
        stage.redis.resume()
        time.sleep(AFTER_REDIS_SECONDS)


class Fault(NamedTuple):
    """How to bring it about, and which outcomes it excuses: without Redis nothing may fail."""

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


async def rage(stage: Stage, weather: Weather, plan: Plan, ended: asyncio.Event) -> None:
    """Bring the faults of the plan about, each as often as the others, with some calm in between, until the end."""
    chance = Random(plan.seed)
    while plan.faults:
        for name in chance.sample(plan.faults, len(plan.faults)):
            with suppress(TimeoutError):
                async with asyncio.timeout(plan.calm_seconds * chance.uniform(0.5, 1.5)):
                    await ended.wait()
                    return
            await _bring_about(stage, weather, name, chance.uniform(SHORTEST, LONGEST))


async def _bring_about(stage: Stage, weather: Weather, name: str, seconds: float) -> None:
    fault = FAULTS[name]
    with weather.of(name, fault.tolerates):
        await asyncio.to_thread(fault.inject, stage, seconds)
        await asyncio.to_thread(stage.until_well)
        await asyncio.sleep(AFTERMATH_SECONDS)
