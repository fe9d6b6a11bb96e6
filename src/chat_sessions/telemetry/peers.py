"""Connects the workers of a host through Unix sockets in a private folder."""

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

#: A worker responds in milliseconds, and Prometheus times out after ten seconds.
TIMEOUT_SECONDS = 2.0
#: The variable of the setting `metrics_dir`, which tells the workers the folder.
FOLDER_VARIABLE = "CHAT_METRICS_DIR"
PREFIX = "chat-sessions-"
# A slash, the prefix, and tempfile's suffix.
TEMPORARY_NAME_BYTES = len(PREFIX) + 9

Handler = Callable[[StreamReader, StreamWriter], Awaitable[None]]


@contextmanager
def socket_folder(workers: int) -> Iterator[None]:
    """Create the folder for several workers, unless CHAT_METRICS_DIR is set."""
    if workers == 1 or os.environ.get(FOLDER_VARIABLE):
        yield
        return
    # Below a long TMPDIR, the path of a socket would be too long.
    fits = len(os.fsencode(gettempdir())) + TEMPORARY_NAME_BYTES <= MAX_SOCKET_FOLDER_BYTES
    with TemporaryDirectory(prefix=PREFIX, dir=gettempdir() if fits else "/tmp") as folder:  # noqa: S108
        os.environ[FOLDER_VARIABLE] = folder
        yield


class WorkerSocket:
    """A worker's socket, and its number, which its replacement reuses."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self._folder = folder

    @property
    def path(self) -> Path:
        """The path of the socket."""
        return self._folder / f"{self.number}.sock"

    async def read_peers(self) -> tuple[list[bytes], int]:
        """Return the responses of the other workers, and how many timed out."""
        peers = [each for each in sorted(self._folder.glob("*.sock")) if each != self.path]
        responses = await asyncio.gather(*map(_read, peers))
        return [each for each in responses if each], responses.count(None)


@asynccontextmanager
async def worker_socket(folder: Path, handler: Handler) -> AsyncIterator[WorkerSocket]:
    """Listen on this worker's socket during the block."""
    with _lowest_free_number(folder) as number:
        own = WorkerSocket(folder, number)
        # A killed worker leaves its socket behind.
        own.path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(handler, own.path)
        try:
            yield own
        finally:
            server.close()
            own.path.unlink(missing_ok=True)


@contextmanager
def _lowest_free_number(folder: Path) -> Iterator[int]:
    """Reserve a number with a file lock, which the kernel releases however the process ends."""
    for number in itertools.count():
        with (folder / f"{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return


async def _read(socket: Path) -> bytes | None:
    """Return the response: empty if the worker is gone, None if it timed out."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
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
