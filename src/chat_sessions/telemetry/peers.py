"""The workers of one host, found and asked by way of sockets in a folder that only they may enter."""

import asyncio
import fcntl
import itertools
import os
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import structlog

from chat_sessions.settings import MAX_SOCKET_FOLDER_BYTES

log = structlog.get_logger(__name__)

#: A worker answers in milliseconds, and Prometheus waits for ten seconds.
PATIENCE_SECONDS = 2.0
#: How the workers hear of the folder: the setting `metrics_dir`.
FOLDER_VARIABLE = "CHAT_METRICS_DIR"
PREFIX = "chat-sessions-"
# A slash, the prefix, and what makes it unique.
MADE_NAME_BYTES = len(PREFIX) + 9

Answer = Callable[[StreamReader, StreamWriter], Awaitable[None]]


@contextmanager
def meeting_place(workers: int) -> Iterator[None]:
    """Make a folder for the workers that this process will start, unless one is given or there is only one of them."""
    if workers == 1 or os.environ.get(FOLDER_VARIABLE):
        yield
        return
    # A folder of a long TMPDIR would be too long for sockets.
    place = gettempdir() if len(os.fsencode(gettempdir())) + MADE_NAME_BYTES <= MAX_SOCKET_FOLDER_BYTES else "/tmp"  # noqa: S108
    with TemporaryDirectory(prefix=PREFIX, dir=place) as folder:
        os.environ[FOLDER_VARIABLE] = folder
        yield


class Seat:
    """The place of a worker among the others. The number of one that ended goes to its successor."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self._folder = folder

    @property
    def socket(self) -> Path:
        """Where this worker answers."""
        return self._folder / f"{self.number}.sock"

    async def ask_the_others(self) -> tuple[list[bytes], int]:
        """Return the answers of the others, and how many live but do not answer."""
        others = [each for each in sorted(self._folder.glob("*.sock")) if each != self.socket]
        answers = await asyncio.gather(*map(_ask, others))
        return [each for each in answers if each], answers.count(None)


@asynccontextmanager
async def seated(folder: Path, answer: Answer) -> AsyncIterator[Seat]:
    """Take a seat, and answer whoever connects to it."""
    with _lowest_free_number(folder) as number:
        seat = Seat(folder, number)
        # Of a worker that was killed.
        seat.socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(answer, seat.socket)
        try:
            yield seat
        finally:
            server.close()
            seat.socket.unlink(missing_ok=True)


@contextmanager
def _lowest_free_number(folder: Path) -> Iterator[int]:
    """Hold a number for as long as the process lives: the kernel lets go of the lock, however it ends."""
    for number in itertools.count():
        with (folder / f"{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return


async def _ask(socket: Path) -> bytes | None:
    """Return an answer: empty when nobody is there any more, None when somebody is, but does not answer in time."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                return await reader.read()
            finally:
                writer.close()
    except TimeoutError:
        log.warning("worker.silent", worker=socket.stem)
        return None
    except OSError:
        return b""
