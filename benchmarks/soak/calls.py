"""A user's calls, each repeated until its outcome is known."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from time import monotonic
from typing import Any, NamedTuple

import httpx

from benchmarks.processes import ROOT
from benchmarks.soak.tally import Tally

LINES = 12
# Shorter than the server's, so that the two never close and use a connection at the same time.
KEEPALIVE_SECONDS = 2
# Else all would stay with the worker that was never killed.
FRESH_CONNECTION = 0.05
RETRY_SECONDS = 0.2
PATIENCE_SECONDS = 300
TIMEOUT_SECONDS = 30
# A hundred thousand sessions take their time.
BATCH_TIMEOUT_SECONDS = 120
BUSY = {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
CUT, SILENT = "connection cut", "no answer"


@dataclass(frozen=True)
class Operation:
    """A call as the OpenAPI document describes it."""

    method: str
    path: str
    statuses: frozenset[int]


class Answer(NamedTuple):
    """What settled a call; `doubtful` if an earlier attempt may have done the work already."""

    status: int
    body: Any
    etag: str
    doubtful: bool


class Unanswered(Exception):
    """Nobody has answered for longer than any fault lasts."""


def documented() -> Mapping[str, Operation]:
    """Return what the OpenAPI document promises, by the name of the operation."""
    paths = json.loads((ROOT / "openapi.json").read_text())["paths"]
    return {
        described["operationId"]: Operation(method.upper(), path, frozenset(map(int, described["responses"])))
        for path, methods in paths.items()
        for method, described in methods.items()
    }


def no_certificates() -> SSLContext:
    """Return what spares a client the loading of the machine's certificates: nothing here speaks TLS."""
    return SSLContext(PROTOCOL_TLS_CLIENT)


@asynccontextmanager
async def lines(url: str) -> AsyncIterator[Sequence[httpx.AsyncClient]]:
    """Open what all users share: whichever worker accepts a connection has it."""
    limits = httpx.Limits(keepalive_expiry=KEEPALIVE_SECONDS)
    async with AsyncExitStack() as stack:
        clients = [
            httpx.AsyncClient(base_url=url, limits=limits, timeout=TIMEOUT_SECONDS, verify=no_certificates())
            for _ in range(LINES)
        ]
        yield [await stack.enter_async_context(each) for each in clients]


class Calls:
    """Speaks for one user."""

    def __init__(
        self,
        clients: Sequence[httpx.AsyncClient],
        token: str,
        tally: Tally,
        chance: Random,
        operations: Mapping[str, Operation],
    ) -> None:
        self._clients = clients
        self._authorization = {"Authorization": f"Bearer {token}"}
        self._tally = tally
        self._chance = chance
        self._operations = operations

    async def send(
        self,
        name: str,
        session_id: str = "",
        *,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Repeat a call, as its clients may, until it is answered for good; raise Unanswered."""
        doubtful, give_up_at = False, monotonic() + PATIENCE_SECONDS
        while monotonic() < give_up_at:
            response = await self.attempt(name, session_id, body=body, params=params, headers=headers)
            if response is not None and not _is_busy(response):
                return Answer(response.status_code, _json(response), response.headers.get("ETag", ""), doubtful)
            doubtful = doubtful or response is None
            await asyncio.sleep(RETRY_SECONDS)
        raise Unanswered(name)

    async def attempt(
        self,
        name: str,
        session_id: str = "",
        *,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response | None:
        """Send once; None if nobody knows what has become of it."""
        operation, began = self._operations[name], monotonic()
        request = self._chance.choice(self._clients).request(
            operation.method,
            operation.path.replace("{session_id}", session_id),
            json=body,
            params=params,
            headers={**self._authorization, **(headers or {}), **self._connection()},
            timeout=BATCH_TIMEOUT_SECONDS if name == "deleteSessions" else TIMEOUT_SECONDS,
        )
        try:
            response = await request
        except httpx.TransportError as error:
            outcome = SILENT if isinstance(error, httpx.TimeoutException) else CUT
            self._tally.answered(name, outcome, began)
            self._tally.trouble(f"{name}: {error!r}", outcome, began)
            return None
        return self._counted(name, operation, response, began)

    def _counted(
        self, name: str, operation: Operation, response: httpx.Response, began: float
    ) -> httpx.Response | None:
        status = response.status_code
        self._tally.answered(name, str(status), began)
        if status not in operation.statuses:
            self._tally.violation("a status that is not documented", f"{name}: {status} {response.text}", began)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self._tally.trouble(name, str(status), began)
            return None
        return response

    def _connection(self) -> Mapping[str, str]:
        return {"Connection": "close"} if self._chance.random() < FRESH_CONNECTION else {}


def _is_busy(response: httpx.Response) -> bool:
    return response.status_code in BUSY and "Retry-After" in response.headers


def _json(response: httpx.Response) -> Any:  # noqa: ANN401  any JSON
    return response.json() if response.content else None
