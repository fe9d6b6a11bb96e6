"""Hearing of the end early enough: to drain, and to end what the server would wait for."""

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
    """When a signal asks the process to end, drain, call `prepare`, and then whoever handled that signal so far.

    The server's own hook for this, the lifespan's end, comes too late: after the last open answer. SIGINT comes from
    somebody who waits, and ends at once.
    """
    if threading.current_thread() is not threading.main_thread():
        # Signals belong to the main thread; there is nothing to hear elsewhere.
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
        elif not drain.under_way:
            # Once: a stop of the whole group reaches a worker twice, from outside and from its supervisor.
            drain.under_way = True
            loop.call_soon_threadsafe(loop.call_later, drain.seconds, end, number, None)

    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
