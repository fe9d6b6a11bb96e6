"""Limits: waiting is bounded, and nothing is leaked or deadlocked."""

import asyncio
from collections import Counter
from random import Random
from time import monotonic

import pytest

from chat_sessions.limits import PAUSE_FACTOR, ByteBudget, KeyedLimit, PacedLimit


class Refused(Exception):
    """The refusal of a caller that waited too long."""


class Callers:
    """Callers of a limit, by name."""

    def __init__(self, limit: KeyedLimit, wait: float = 10) -> None:
        self.limit = limit
        self.running: list[str] = []
        self._wait = wait
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, *names: str, key: str = "ada") -> None:
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._call(name, key))
        await settled()

    async def _call(self, name: str, key: str) -> None:
        async with self.limit.turn(key, self._wait):
            self.running.append(name)
            try:
                await self._ends[name].wait()
            finally:
                self.running.remove(name)

    def end(self, name: str) -> None:
        self._ends[name].set()

    async def end_all(self) -> None:
        for end in self._ends.values():
            end.set()
        await asyncio.wait(self.tasks.values())


async def settled() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


class TestKeyedLimit:
    async def test_turns_are_taken_in_order_of_arrival(self) -> None:
        callers = Callers(KeyedLimit(2, Refused))
        await callers.start("a", "b", "c", "d")
        assert callers.running == ["a", "b"]
        callers.end("b")
        await callers.start("e")
        assert callers.running == ["a", "c"]
        await callers.end_all()

    async def test_a_key_at_its_limit_leaves_the_others_alone(self) -> None:
        callers = Callers(KeyedLimit(1, Refused))
        await callers.start("a", "b", key="ada")
        await callers.start("c", key="bob")
        assert callers.running == ["a", "c"]
        await callers.end_all()

    async def test_a_caller_that_waits_too_long_is_refused_and_takes_no_turn(self) -> None:
        limit = KeyedLimit(1, Refused)
        callers, impatient = Callers(limit), Callers(limit, wait=0.01)
        await callers.start("a")
        await impatient.start("b")
        with pytest.raises(Refused):
            await impatient.tasks["b"]
        callers.end("a")
        await callers.start("c")
        assert callers.running == ["c"]
        await callers.end_all()

    async def test_a_block_that_fails_passes_its_turn_on(self) -> None:
        limit = KeyedLimit(1, Refused)
        with pytest.raises(ZeroDivisionError):
            async with limit.turn("ada", 10):
                raise ZeroDivisionError
        async with limit.turn("ada", 0):
            pass

    async def test_a_turn_goes_past_a_caller_that_was_cancelled(self) -> None:
        callers = Callers(KeyedLimit(1, Refused))
        await callers.start("a", "b", "c")
        callers.tasks["b"].cancel()
        callers.end("a")
        await settled()
        assert callers.running == ["c"]
        await callers.end_all()

    async def test_a_caller_that_is_cancelled_just_after_it_got_its_turn_passes_it_on(self) -> None:
        callers = Callers(KeyedLimit(1, Refused))
        await callers.limit.take("ada", 10)
        await callers.start("b", "c")
        callers.limit.pass_on("ada")
        callers.tasks["b"].cancel()
        await settled()
        assert callers.running == ["c"]
        await callers.end_all()

    async def test_a_caller_that_is_cancelled_just_after_it_was_refused_passes_nothing_on(self) -> None:
        limit = KeyedLimit(1, Refused)
        await limit.take("ada", 10)
        impatient = Callers(limit, wait=0)
        impatient_started = asyncio.create_task(impatient.start("b"))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0, impatient.tasks["b"].cancel)
        await impatient_started
        with pytest.raises(Refused):
            async with limit.turn("ada", 0):
                pass

    async def test_no_more_than_allowed_run_whatever_is_refused_or_cancelled(self) -> None:
        limit, random, running, most = KeyedLimit(3, Refused), Random(1), Counter[str](), 0  # noqa: S311  the same every time

        async def call(key: str) -> None:
            nonlocal most
            async with limit.turn(key, random.choice([0, 0.001, 10])):
                running[key] += 1
                most = max(most, running[key])
                try:
                    await asyncio.sleep(random.choice([0, 0, 0.001]))
                finally:
                    running[key] -= 1

        tasks = [asyncio.create_task(call(random.choice("ab"))) for _ in range(500)]
        while left := [each for each in tasks if not each.done()]:
            random.choice(left).cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert most == 3
        assert (limit._taken, limit._waiting) == ({}, {})  # noqa: SLF001  nothing leaks


async def test_a_paced_turn_is_followed_by_a_pause_in_proportion() -> None:
    paced = PacedLimit(10, Refused)
    async with paced.turn():
        await asyncio.sleep(0.05)
        ended = monotonic()
    async with paced.turn():
        assert monotonic() - ended >= PAUSE_FACTOR * 0.05 * 0.9


async def test_paced_turns_exclude_each_other() -> None:
    paced = PacedLimit(0.01, Refused)
    async with paced.turn():
        with pytest.raises(Refused):
            async with paced.turn():
                pass


async def test_a_paced_turn_that_fails_releases_the_limit() -> None:
    paced = PacedLimit(10, Refused)
    with pytest.raises(ZeroDivisionError):
        async with paced.turn():
            raise ZeroDivisionError
    async with paced.turn():
        pass


class TestByteBudget:
    async def test_a_caller_waits_for_bytes_that_others_release(self) -> None:
        budget = ByteBudget(10, 10, Refused)
        await budget.acquire("a", 6)
        await budget.acquire("b", 6)
        waiting = asyncio.create_task(budget.acquire("c", 6))
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.release("b")
        await waiting
        assert budget.left == -2

    async def test_holders_that_need_more_than_their_part_do_not_deadlock(self) -> None:
        budget, order = ByteBudget(10, 10, Refused), list[str]()

        async def hold(name: str) -> None:
            for _ in range(10):
                await budget.acquire(name, 1)
                await asyncio.sleep(0)
            order.append(name)
            budget.release(name)

        await asyncio.gather(*map(hold, "abcde"))
        assert (sorted(order), budget.left) == (list("abcde"), 10)

    async def test_only_one_holder_may_overdraw_it(self) -> None:
        budget = ByteBudget(10, 0.01, Refused)
        await budget.acquire("a", 11)
        await budget.acquire("a", 11)
        with pytest.raises(Refused):
            await budget.acquire("b", 1)
        assert budget.left == -12

    async def test_a_cancelled_caller_holds_nothing(self) -> None:
        budget = ByteBudget(10, 10, Refused)
        await budget.acquire("a", 11)
        waiting = asyncio.create_task(budget.acquire("b", 1))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        budget.release("b")
        budget.release("a")
        assert budget.left == 10
