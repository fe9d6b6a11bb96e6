"""What many callers ask within one turn of the event loop goes out together."""

import asyncio
from asyncio import Future, Task
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """Gathers questions, and has them answered by one call for all; when it fails, it fails for each of them.

    `most` bounds one call: what is more goes out at the same time, in calls of its own.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], *, most: int) -> None:
        self._answer = answer
        self._most = most
        self._asked: list[tuple[Q, Future[A]]] = []
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
        asked, self._asked = self._asked, []
        for start in range(0, len(asked), self._most):
            call = asyncio.ensure_future(self._settle(asked[start : start + self._most]))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

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
