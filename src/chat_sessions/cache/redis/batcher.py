"""What many callers ask within one turn of the event loop goes out together."""

import asyncio
from asyncio import Future, Task
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Bounds(NamedTuple):
    """How many questions one call takes, how much they weigh together, and how many calls run at once."""

    questions: int
    weight: int
    calls: int


class Batcher(Generic[Q, A]):
    """Gathers questions, and has them answered by one call for all; when it fails, it fails for each of them.

    While as many calls run as may, questions wait and go out together when one of them ends.
    """

    def __init__(
        self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], bounds: Bounds, weigh: Callable[[Q], int]
    ) -> None:
        self._answer = answer
        self._bounds = bounds
        self._weigh = weigh
        self._asked: deque[tuple[Q, Future[A]]] = deque()
        self._calls: set[Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """Return the answer, or raise what the call has raised."""
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._send)
        future: Future[A] = loop.create_future()
        self._asked.append((question, future))
        return await future

    def _send(self) -> None:
        while self._asked and len(self._calls) < self._bounds.calls:
            call = asyncio.ensure_future(self._settle(self._next()))
            self._calls.add(call)
            call.add_done_callback(self._ended)

    def _next(self) -> Sequence[tuple[Q, Future[A]]]:
        """Take as many questions as one call bears, and one at least."""
        taken = [self._asked.popleft()]
        weight = self._weigh(taken[0][0])
        while self._asked and len(taken) < self._bounds.questions:
            weight += self._weigh(self._asked[0][0])
            if weight > self._bounds.weight:
                break
            taken.append(self._asked.popleft())
        return taken

    def _ended(self, call: Task[None]) -> None:
        self._calls.discard(call)
        self._send()

    async def _settle(self, asked: Sequence[tuple[Q, Future[A]]]) -> None:
        try:
            answers = await self._answer([question for question, _ in asked])
        except BaseException as error:
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), answer in zip(asked, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
