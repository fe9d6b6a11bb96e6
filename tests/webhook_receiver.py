"""A webhook receiver that verifies signatures, and misbehaves on demand."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import asyncpg
from aiohttp import web
from pydantic import SecretStr
from standardwebhooks import Webhook

from chat_sessions.settings import Settings
from tests.waiting import until

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# The claim of a killed worker would expire only after half a minute.
WAIT_NO_LONGER = 'UPDATE "WebhookDelivery" SET "dueAt" = now()'
CLOSING = web.AppKey("closing", asyncio.Event)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Received(NamedTuple):
    """A delivery with a valid signature."""

    id: str
    payload: dict[str, Any]

    @property
    def event(self) -> str:
        return str(self.payload["type"])

    @property
    def session_ids(self) -> list[str]:
        return list(self.payload["data"]["session_ids"])


class Receiver:
    """Responds with 204, after each of `handlers` has handled a request."""

    def __init__(self, secret: str = SECRET) -> None:
        self.url = ""
        self.attempts: list[Received] = []
        self.accepted: list[Received] = []
        self.handlers: deque[Handler] = deque()
        self.closing = asyncio.Event()
        self._webhook = Webhook(secret)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        payload = self._webhook.verify(await request.read(), dict(request.headers))
        received = Received(request.headers["webhook-id"], payload)
        self.attempts.append(received)
        if self.handlers:
            return await self.handlers.popleft()(request)
        self.accepted.append(received)
        return web.Response(status=204)

    def ids(self, event: str = "session.deleted") -> set[str]:
        """Return the sessions of the accepted events."""
        return {each for received in self.accepted if received.event == event for each in received.session_ids}

    async def wait_for(self, *session_ids: str, event: str = "session.deleted") -> None:
        """Wait until an event of each of these sessions was accepted."""

        async def arrived() -> bool:
            return self.ids(event) >= set(session_ids)

        await until(arrived)


@asynccontextmanager
async def receiving(secret: str = SECRET) -> AsyncIterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver(secret)
    app = web.Application()
    app[CLOSING] = receiver.closing
    app.router.add_post("/webhooks", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
    try:
        yield receiver
    finally:
        receiver.closing.set()
        await runner.cleanup()


def with_receiver(settings: Settings, receiver: Receiver, **further: Any) -> Settings:  # noqa: ANN401  settings
    """Return settings with a receiver."""
    given = {"webhook_url": (receiver.url,), "webhook_secret": (SecretStr(SECRET),), "webhook_private": True}
    return settings.model_copy(update={**given, **further})


async def configured(database: asyncpg.Pool, receiver: Receiver) -> None:
    """Wait until the receiver is in the database."""

    async def stored() -> bool:
        return bool(await database.fetchval('SELECT count(*) FROM "WebhookReceiver" WHERE "url" = $1', receiver.url))

    await until(stored)


async def fails(_request: web.Request) -> web.StreamResponse:
    """Respond with 500."""
    return web.Response(status=500)


async def redirects(request: web.Request) -> web.StreamResponse:
    """Redirect to itself: a client that follows redirects would send deliveries to any URL."""
    return web.Response(status=307, headers={"Location": str(request.url)})


async def closes(request: web.Request) -> web.StreamResponse:
    """Close the connection without a response."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def hangs(request: web.Request) -> web.StreamResponse:
    """Never respond."""
    await request.app[CLOSING].wait()
    return web.Response()


async def drips(request: web.Request) -> web.StreamResponse:
    """Send a success whose body does not end."""
    response = web.StreamResponse(status=200)
    await response.prepare(request)
    with suppress(ConnectionError):
        while not request.app[CLOSING].is_set():
            await response.write(b"x" * 100_000)
            await asyncio.sleep(0.01)
    return response
