"""No error ends a background task."""

from asyncio import CancelledError

import pytest

from chat_sessions.background import eventually, forever
from tests.logged import logged


class Outage(Exception):
    """An error that was logged where it was noticed."""


class Task:
    """Has these outcomes in turn: an error, or success."""

    def __init__(self, *outcomes: BaseException | None) -> None:
        self.outcomes = list(outcomes)

    async def run(self) -> None:
        if outcome := self.outcomes.pop(0):
            raise outcome


async def test_a_task_runs_again_after_errors_and_successes_until_it_is_cancelled() -> None:
    task = Task(ValueError(), None, Outage(), None, CancelledError())
    with pytest.raises(CancelledError):
        await forever("mine", task.run, pause=0, outages=(Outage,))
    assert task.outcomes == []


async def test_a_task_may_end_with_its_first_success() -> None:
    task = Task(Outage(), ValueError(), None, CancelledError())
    with logged("task.") as lines:
        await eventually("mine", task.run, pause=0, outages=(Outage,))
    errors = [line["event"] for line in lines if line["task"] == "mine" and line["log_level"] == "error"]
    assert errors == ["task.failed"]
