"""Limits: waiting is bounded, and nothing is leaked or deadlocked."""

import asyncio
from time import monotonic

import pytest

from chat_sessions.limits import PAUSE_FACTOR, ByteBudget, PacedLimit


class Refused(Exception):
    """The refusal of a caller that waited too long."""


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
