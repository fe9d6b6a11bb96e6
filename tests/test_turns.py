"""Paced turns and shared budgets: nobody waits without an end."""

import asyncio
from time import monotonic

import pytest

from chat_sessions.turns import PAUSE, Budget, Paced


class Refused(Exception):
    """What a caller hears that waits for too long."""


async def test_after_a_turn_nobody_has_one_for_longer_than_it_took() -> None:
    paced = Paced(10, Refused)
    async with paced.turn():
        began = monotonic()
        await asyncio.sleep(0.05)
        took = monotonic() - began
    ended = monotonic()
    async with paced.turn():
        assert monotonic() - ended >= PAUSE * took * 0.9


async def test_there_is_one_turn_at_a_time() -> None:
    paced = Paced(0.01, Refused)
    async with paced.turn():
        with pytest.raises(Refused):
            async with paced.turn():
                pass


async def test_a_turn_that_fails_is_followed_by_another() -> None:
    paced = Paced(10, Refused)
    with pytest.raises(ZeroDivisionError):
        async with paced.turn():
            raise ZeroDivisionError
    async with paced.turn():
        pass


class TestABudget:
    async def test_is_shared_by_all_and_the_next_one_waits_for_what_is_given_back(self) -> None:
        budget = Budget(10, 10, Refused)
        await budget.take("a", 6)
        await budget.take("b", 6)
        waiting = asyncio.create_task(budget.take("c", 6))
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.give_back("b")
        await waiting
        assert budget.left == -2

    async def test_may_be_overdrawn_by_one_so_that_holders_of_parts_do_not_wait_for_each_other(self) -> None:
        budget, order = Budget(10, 10, Refused), list[str]()

        async def hold(name: str) -> None:
            for _ in range(10):
                await budget.take(name, 1)
                await asyncio.sleep(0)
            order.append(name)
            budget.give_back(name)

        await asyncio.gather(*map(hold, "abcde"))
        assert (sorted(order), budget.left) == (list("abcde"), 10)

    async def test_is_overdrawn_by_one_only(self) -> None:
        budget = Budget(10, 0.01, Refused)
        await budget.take("a", 11)
        await budget.take("a", 11)
        with pytest.raises(Refused):
            await budget.take("b", 1)
        assert budget.left == -12

    async def test_keeps_nothing_for_one_who_stops_waiting(self) -> None:
        budget = Budget(10, 10, Refused)
        await budget.take("a", 11)
        waiting = asyncio.create_task(budget.take("b", 1))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        budget.give_back("b")
        budget.give_back("a")
        assert budget.left == 10
