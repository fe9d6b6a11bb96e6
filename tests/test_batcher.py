"""The batcher sends all calls of one event-loop turn together and returns each caller its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from chat_sessions.cache.redis.batcher import Batcher, Bounds


class Doubling:
    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.at_once = self.most_at_once = 0

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int]:
        self.calls.append(list(numbers))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if 13 in numbers:
            raise ArithmeticError
        return [2 * number for number in numbers]


def numbers(double: Doubling, *, questions: int = 10, weight: int = 1000, calls: int = 10) -> Batcher[int, int]:
    """Return a batcher in which a number weighs its own value."""
    return Batcher(double, Bounds(questions, weight, calls), weigh=int)


async def test_calls_of_one_turn_are_one_batch() -> None:
    double = Doubling()
    batcher = numbers(double)
    assert await asyncio.gather(*(batcher.call(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert double.calls == [[0, 1, 2, 3, 4]]


async def test_a_later_call_is_another_batch() -> None:
    double = Doubling()
    batcher = numbers(double)
    assert [await batcher.call(1), await batcher.call(2)] == [2, 4]
    assert double.calls == [[1], [2]]


async def test_more_calls_than_fit_into_a_batch_are_split() -> None:
    double = Doubling()
    batcher = numbers(double, questions=2)
    assert await asyncio.gather(*(batcher.call(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert double.calls == [[0, 1], [2, 3], [4]]


async def test_a_failed_batch_fails_all_of_its_callers_and_no_others() -> None:
    batcher = numbers(Doubling(), questions=2)
    responses = await asyncio.gather(*(batcher.call(number) for number in (12, 13, 14)), return_exceptions=True)
    assert [type(each) for each in responses] == [ArithmeticError, ArithmeticError, int]


async def test_a_cancelled_caller_does_not_affect_the_others() -> None:
    batcher = numbers(Doubling())
    one, other = (asyncio.ensure_future(batcher.call(number)) for number in (1, 2))
    await asyncio.sleep(0)
    one.cancel()
    assert await other == 4
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_a_batch_stays_within_its_weight_but_has_at_least_one_call() -> None:
    double = Doubling()
    batcher = numbers(double, weight=10)
    assert await asyncio.gather(*map(batcher.call, (4, 5, 6, 99, 1))) == [8, 10, 12, 198, 2]
    assert double.calls == [[4, 5], [6], [99], [1]]


@pytest.mark.parametrize("calls", [1, 2])
async def test_concurrent_batches_are_limited_and_waiting_calls_are_joined(calls: int) -> None:
    double = Doubling()
    batcher = numbers(double, questions=2, calls=calls)
    assert await asyncio.gather(*map(batcher.call, range(5))) == [0, 2, 4, 6, 8]
    assert double.calls == [[0, 1], [2, 3], [4]]
    assert double.most_at_once == calls
