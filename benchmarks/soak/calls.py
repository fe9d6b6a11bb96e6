"""A user's calls, each retried until its outcome is known."""

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

CLIENTS = 12
# Shorter than the server's, which therefore never closes a connection that is about to be reused.
KEEPALIVE_SECONDS = 2
# Without new connections, all would end up at the worker that is never killed.
FRESH_CONNECTION = 0.05
RETRY_SECONDS = 0.2
PATIENCE_SECONDS = 300
TIMEOUT_SECONDS = 30
# For the deletion of a hundred thousand sessions.
BATCH_TIMEOUT_SECONDS = 120
BUSY = {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
CUT, SILENT = "connection cut", "timeout"


@dataclass(frozen=True)
class Operation:
    """An operation of the OpenAPI document."""

    method: str
    path: str
    statuses: frozenset[int]


class FinalResponse(NamedTuple):
    """The final response to a call; `uncertain` if an earlier attempt may have been applied."""

    status: int
    body: Any
    etag: str
    uncertain: bool


class NoResponse(Exception):
    """No response for longer than any fault lasts."""


def load_operations() -> Mapping[str, Operation]:
    """Return the operations of the OpenAPI document by id."""
    paths = json.loads((ROOT / "openapi.json").read_text())["paths"]
    return {
        described["operationId"]: Operation(method.upper(), path, frozenset(map(int, described["responses"])))
        for path, methods in paths.items()
        for method, described in methods.items()
    }


def no_certificates() -> SSLContext:
    """Return a context without certificates, which are slow to load and not needed without TLS."""
    return SSLContext(PROTOCOL_TLS_CLIENT)


@asynccontextmanager
async def open_clients(url: str) -> AsyncIterator[Sequence[httpx.AsyncClient]]:
    """Open the clients that all users share; any worker may accept their connections."""
    limits = httpx.Limits(keepalive_expiry=KEEPALIVE_SECONDS)
    async with AsyncExitStack() as stack:
        clients = [
            httpx.AsyncClient(base_url=url, limits=limits, timeout=TIMEOUT_SECONDS, verify=no_certificates())
            for _ in range(CLIENTS)
        ]
        yield [await stack.enter_async_context(each) for each in clients]


class Calls:
    """Sends the calls of one user."""

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
    ) -> FinalResponse:
        """Retry a call until its final response, or raise NoResponse."""
        uncertain, give_up_at = False, monotonic() + PATIENCE_SECONDS
        while monotonic() < give_up_at:
            response = await self.attempt(name, session_id, body=body, params=params, headers=headers)
            if response is not None and not _is_busy(response):
                return FinalResponse(response.status_code, _json(response), response.headers.get("ETag", ""), uncertain)
            uncertain = uncertain or response is None
            await asyncio.sleep(RETRY_SECONDS)
        raise NoResponse(name)

    async def attempt(
        self,
        name: str,
        session_id: str = "",
        *,
        body: object = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response | None:
        """Send once; return None if the outcome is unknown."""
        operation, began = self._operations[name], monotonic()
        request = self._chance.choice(self._clients).request(
            operation.method,
            operation.path.replace("{session_id}", session_id),
            json=body,
            params=params,
            headers={**self._authorization, **(headers or {}), **self._connection()},
            timeout=BATCH_TIMEOUT_SECONDS if name == "batchDeleteSessions" else TIMEOUT_SECONDS,
        )
        try:
            response = await request
        except httpx.TransportError as error:
            outcome = SILENT if isinstance(error, httpx.TimeoutException) else CUT
            self._tally.add_response(name, outcome, began)
            self._tally.add_failure(f"{name}: {error!r}", outcome, began)
            return None
        return self._counted(name, operation, response, began)

    def _counted(
        self, name: str, operation: Operation, response: httpx.Response, began: float
    ) -> httpx.Response | None:
        status = response.status_code
        self._tally.add_response(name, str(status), began)
        if status not in operation.statuses:
            self._tally.add_violation("an undocumented status", f"{name}: {status} {response.text}", began)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self._tally.add_failure(name, str(status), began)
            return None
        return response

    def _connection(self) -> Mapping[str, str]:
        return {"Connection": "close"} if self._chance.random() < FRESH_CONNECTION else {}


def _is_busy(response: httpx.Response) -> bool:
    return response.status_code in BUSY and "Retry-After" in response.headers


def _json(response: httpx.Response) -> Any:  # noqa: ANN401  any JSON
    return response.json() if response.content else None
