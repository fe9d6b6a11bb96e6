"""Sends requests with a token, and retries them if that is safe."""

from asyncio import sleep
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final, TypedDict, Unpack

import httpx2
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_before_delay, wait_random_exponential

from chat_sessions_client.errors import Problem, Unreachable, translated

Token = str | Callable[[], str | Awaitable[str]]
Params = dict[str, Any]

BACKOFF: Final = wait_random_exponential(multiplier=0.2, max=5)
RECONNECT_SECONDS: Final = 1
BROKEN_OFF: Final = (httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.TimeoutException)
# Much longer than the interval between heartbeats.
EVENTS_TIMEOUT: Final = httpx2.Timeout(30, read=120)


def open_http() -> httpx2.AsyncClient:
    """Return an HTTP client whose timeout is longer than the service's own database timeout."""
    return httpx2.AsyncClient(timeout=30)


class Request(TypedDict, total=False):
    """The parts of a request besides its method and path."""

    params: Params
    json: object
    headers: Mapping[str, str]
    timeout: httpx2.Timeout


@dataclass(frozen=True)
class Connection:
    """Sends a user's requests. Each request gets its own token, so tokens may be short-lived."""

    url: str
    token: Token
    patience: float
    open_http: Callable[[], httpx2.AsyncClient]
    http: httpx2.AsyncClient

    async def call(
        self, method: str, path: str, *, repeatable: bool = True, stream: bool = False, **request: Unpack[Request]
    ) -> httpx2.Response:
        """Return the response, or raise the last error.

        A request that is not `repeatable` is retried only if it certainly had no effect.
        """

        def is_worth_a_retry(error: BaseException) -> bool:
            match error:
                case Problem(retry_after=None):
                    return False
                case Problem() | Unreachable():
                    return repeatable or not error.may_be_applied
            return False

        retrying = AsyncRetrying(
            retry=retry_if_exception(is_worth_a_retry), wait=_delay, stop=stop_before_delay(self.patience), reraise=True
        )
        try:
            return await retrying(self._attempt, method, path, request, stream=stream)
        except Problem as problem:
            problem.attempts = retrying.statistics["attempt_number"]
            raise

    async def _attempt(self, method: str, path: str, request: Request, *, stream: bool) -> httpx2.Response:
        token = self.token() if callable(self.token) else self.token
        bearer = await token if isawaitable(token) else token
        built = self.http.build_request(method, self.url + path, **request)
        built.headers["Authorization"] = f"Bearer {bearer}"
        with translated():
            response = await self.http.send(built, stream=stream)
            if response.is_success:
                return response
            await response.aread()
        raise Problem.of(response)

    async def lines(self, path: str) -> AsyncGenerator[bytes]:
        """Yield the lines of a response. Unlike httpx2, this splits only at newlines."""
        line = bytearray()
        with translated():
            async with aclosing(await self.call("GET", path, stream=True)) as response:
                async for chunk in response.aiter_bytes():
                    first, *further = chunk.split(b"\n")
                    line += first
                    for start in further:
                        yield bytes(line)
                        line = bytearray(start)

    async def events(self, path: str) -> AsyncGenerator[httpx2.ServerSentEvent]:
        """Yield events, and reconnect from the last one when the stream ends."""
        headers = dict[str, str]()
        while True:
            response = await self.call("GET", path, stream=True, headers=headers, timeout=EVENTS_TIMEOUT)
            with translated(), suppress(*BROKEN_OFF):
                async with aclosing(response):
                    async for event in httpx2.EventSource(response):
                        # Heartbeats have no data.
                        if event.data:
                            headers["Last-Event-ID"] = event.id
                        if event.data and event.event != "opened":
                            yield event
            await sleep(RECONNECT_SECONDS)


def _delay(state: RetryCallState) -> float:
    """Return the seconds of Retry-After plus a random backoff, so that clients do not retry all at once."""
    error = state.outcome.exception() if state.outcome else None
    minimum = error.retry_after if isinstance(error, Problem) else None
    return (minimum or 0) + BACKOFF(state)
