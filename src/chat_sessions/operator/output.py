"""Opens what an export is written to."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from chat_sessions.operator.console import fail


@contextmanager
def opened(path: Path | None) -> Iterator[BinaryIO]:
    """Yield stdout, a device, a pipe or a private file; exit with a message if it cannot be written."""
    try:
        if path is None:
            yield sys.stdout.buffer
            sys.stdout.flush()
        elif path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
        else:
            with _private_file(path) as file:
                yield file
    except BrokenPipeError:
        # The reader closed the pipe early, as `head` does: typer exits without a message.
        raise
    except OSError as error:
        fail(f"Cannot write {path or 'to stdout'}: {error.strerror}")


@contextmanager
def _private_file(path: Path) -> Iterator[BinaryIO]:
    # Renamed when complete, so that an interrupted export never looks finished.
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
    unfinished.replace(path)
