"""Handles shutdown signals before the server does: drains, and ends event streams."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from chat_sessions.web.drain import Drain

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def before_shutdown(drain: Drain, prepare: Callable[[], None]) -> Iterator[None]:
    """On SIGTERM, drain, call `prepare`, and then the previous signal handler; on SIGINT do not drain.

    The lifespan's end would be too late for this: the server waits for open responses first.
    """
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread receives signals.
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    loop = asyncio.get_running_loop()

    def end(number: int, frame: FrameType | None) -> None:
        prepare()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT or not drain.seconds:
            end(number, frame)
        elif not drain.in_progress:
            # Once: a signal to the process group reaches a worker twice, also through its supervisor.
            drain.in_progress = True
            loop.call_soon_threadsafe(loop.call_later, drain.seconds, end, number, None)

    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
