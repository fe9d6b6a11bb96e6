"""Questions of one turn of the event loop go out together, and each caller hears its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from chat_sessions.redis_line.batcher import Batcher


class Doubling:
    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int]:
        self.calls.append(list(numbers))
        await asyncio.sleep(0)
        if 13 in numbers:
            raise ArithmeticError
        return [2 * number for number in numbers]


async def test_what_is_asked_in_one_turn_is_one_call() -> None:
    double = Doubling()
    batcher = Batcher(double, most=10)
    assert await asyncio.gather(*(batcher.ask(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert double.calls == [[0, 1, 2, 3, 4]]


async def test_what_is_asked_later_is_another_call() -> None:
    double = Doubling()
    batcher = Batcher(double, most=10)
    assert [await batcher.ask(1), await batcher.ask(2)] == [2, 4]
    assert double.calls == [[1], [2]]


async def test_too_much_for_one_call_is_several() -> None:
    double = Doubling()
    batcher = Batcher(double, most=2)
    assert await asyncio.gather(*(batcher.ask(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert double.calls == [[0, 1], [2, 3], [4]]


async def test_a_failed_call_fails_for_each_of_its_callers_and_for_nobody_else() -> None:
    batcher = Batcher(Doubling(), most=2)
    answers = await asyncio.gather(*(batcher.ask(number) for number in (12, 13, 14)), return_exceptions=True)
    assert [type(each) for each in answers] == [ArithmeticError, ArithmeticError, int]


async def test_a_caller_that_goes_away_leaves_the_others_theirs() -> None:
    batcher = Batcher(Doubling(), most=10)
    one, other = (asyncio.ensure_future(batcher.ask(number)) for number in (1, 2))
    await asyncio.sleep(0)
    one.cancel()
    assert await other == 4
    with pytest.raises(asyncio.CancelledError):
        await one
