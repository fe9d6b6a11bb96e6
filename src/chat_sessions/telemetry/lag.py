"""Measures event-loop lag: how long a blocking request delays all others."""

import asyncio
from time import perf_counter
from typing import NoReturn

from chat_sessions.telemetry.metrics import Metrics

PAUSE_SECONDS = 0.25


async def measure(metrics: Metrics) -> NoReturn:
    """Measure until cancelled."""
    while True:
        due = perf_counter() + PAUSE_SECONDS
        await asyncio.sleep(PAUSE_SECONDS)
        metrics.loop_lag.observe(max(0.0, perf_counter() - due))
