"""Capture the log lines of one subject and ignore all others."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.testing import capture_logs  # noqa: TID251  the one place
from structlog.typing import EventDict, WrappedLogger


@contextmanager
def logged(prefix: str) -> Iterator[list[EventDict]]:
    """Collect the lines whose event starts with `prefix`.

    The workers under test also log in the background, for instance when a busy machine delays Redis.
    """

    def select(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        if not str(line["event"]).startswith(prefix):
            raise structlog.DropEvent
        return line

    with capture_logs([select]) as lines:
        yield lines
