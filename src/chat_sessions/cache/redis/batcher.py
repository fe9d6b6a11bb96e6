"""Combines the requests of many callers, made in one iteration of the event loop, into one call."""

import asyncio
from asyncio import Future, Task
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Bounds(NamedTuple):
    """The maximum number of requests per batch, of their total weight, and of batches in flight."""

    requests: int
    weight: int
    batches: int


class Batcher(Generic[Q, A]):
    """Sends requests in batches; if a batch fails, each of its callers gets the error.

    While the maximum number of batches is in flight, requests wait and share the next one.
    """

    def __init__(
        self, send: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], bounds: Bounds, weigh: Callable[[Q], int]
    ) -> None:
        self._send = send
        self._bounds = bounds
        self._weigh = weigh
        self._waiting: deque[tuple[Q, Future[A]]] = deque()
        self._in_flight: set[Task[None]] = set()

    async def call(self, request: Q) -> A:
        """Return the response, or raise what the batch raised."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush)
        future: Future[A] = loop.create_future()
        self._waiting.append((request, future))
        return await future

    def _flush(self) -> None:
        while self._waiting and len(self._in_flight) < self._bounds.batches:
            task = asyncio.ensure_future(self._settle(self._next_batch()))
            self._in_flight.add(task)
            task.add_done_callback(self._ended)

    def _next_batch(self) -> Sequence[tuple[Q, Future[A]]]:
        """Take as many requests as fit into a batch, and at least one."""
        batch = [self._waiting.popleft()]
        weight = self._weigh(batch[0][0])
        while self._waiting and len(batch) < self._bounds.requests:
            weight += self._weigh(self._waiting[0][0])
            if weight > self._bounds.weight:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _ended(self, task: Task[None]) -> None:
        self._in_flight.discard(task)
        self._flush()

    async def _settle(self, batch: Sequence[tuple[Q, Future[A]]]) -> None:
        try:
            responses = await self._send([request for request, _ in batch])
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), response in zip(batch, responses, strict=True):
                if not future.done():
                    future.set_result(response)
