"""Hearing of the end early enough: the server waits for open answers, and a stream ends only when it is told to."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def before_shutdown(prepare: Callable[[], None]) -> Iterator[None]:
    """Call `prepare` when a signal asks the process to end, and then whoever handled that signal so far.

    The server's own hook for this, the lifespan's end, comes too late: after the last open answer.
    """
    if threading.current_thread() is not threading.main_thread():
        # Signals belong to the main thread; there is nothing to hear elsewhere.
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        prepare()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
