"""Paced turns: one at a time, with a pause after each, and no wait without an end."""

import asyncio
from time import monotonic

import pytest

from chat_sessions.turns import PAUSE, Paced


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
