"""Builds the application; its lifespan opens the connections and starts the background tasks."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, nullcontext
from subprocess import Popen
from typing import NamedTuple, cast

from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp

from chat_sessions.cache.evictor import Evictor
from chat_sessions.cache.feed import Feed
from chat_sessions.cache.rate_limit import RateLimit
from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.cache.session_cache import SessionCache
from chat_sessions.cache.session_lock import SessionLock
from chat_sessions.model import ChatSessions
from chat_sessions.settings import Settings
from chat_sessions.store.outbox import Outbox
from chat_sessions.store.preconditions import Preconditions
from chat_sessions.store.prisma.client import BridgedPrisma, prisma_client
from chat_sessions.store.search_keys import SearchKeys
from chat_sessions.store.session_store import SessionStore
from chat_sessions.store.webhook_queue import WebhookQueue
from chat_sessions.sweeper import Sweeper
from chat_sessions.telemetry import lag
from chat_sessions.telemetry.availability import Availability
from chat_sessions.telemetry.exposition import Exposition
from chat_sessions.telemetry.lifecycle import log_failure, log_lifetime
from chat_sessions.telemetry.metrics import Metrics
from chat_sessions.telemetry.pseudonyms import pseudonyms
from chat_sessions.telemetry.request_log import RequestLog
from chat_sessions.telemetry.served import ServedRequests
from chat_sessions.telemetry.spans import engine_span, redis_span
from chat_sessions.telemetry.tracing import Tracing, TracingMiddleware, trace_ids
from chat_sessions.web import openapi, problems
from chat_sessions.web.auth.sources import key_sources
from chat_sessions.web.auth.tokens import Authenticator
from chat_sessions.web.cors import Cors
from chat_sessions.web.dependencies import AppState, ParsedQueries
from chat_sessions.web.drain import Drain
from chat_sessions.web.express import ExpressLane
from chat_sessions.web.express_appends import ExpressAppends
from chat_sessions.web.failsafe import Failsafe
from chat_sessions.web.head import Head
from chat_sessions.web.health import Health
from chat_sessions.web.middleware import BodyLimit, RequestMiddleware, large_bodies
from chat_sessions.web.prefix import Prefix
from chat_sessions.web.routes import docs, events, export, messages, ops, page, search, sessions
from chat_sessions.web.shutdown import before_shutdown
from chat_sessions.webhooks.dispatch import Dispatch


def create_app(
    settings: Settings,
    *,
    sign_in: page.SignIn = "host",
    on_statement: Callable[[str], None] | None = None,
    launched: Popen[bytes] | None = None,
    tracing: Tracing | None = None,
) -> FastAPI:
    """Build the service.

    `sign_in` tells the page where its token comes from; `on_statement` is called with each SQL statement;
    `launched` is a query engine that is already running; `tracing` makes each request a span.
    """
    metrics, drain, availability = Metrics(), Drain(settings.drain_seconds), Availability()
    pseudonym_of = pseudonyms(settings.log_user_key)
    request_log = RequestLog(sys.stderr, settings, pseudonym_of)
    served = ServedRequests(metrics, request_log, *([] if tracing is None else [trace_ids]))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[AppState]:
        span = nullcontext if tracing is None else engine_span(tracing.tracer)
        with log_failure(), ExitStack() as stack:
            stack.callback(served.flush)
            prisma = prisma_client(
                settings, on_statement=on_statement, launched=launched, availability=availability, span=span
            )
            telemetry, database = Telemetry(metrics, served, tracing), Database(prisma, availability)
            async with _opened(settings, telemetry, drain, database) as state:
                yield state

    app = FastAPI(
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        # Ours are in telemetry/. FastAPI's spans contain query strings, which may hold titles, and lack the routes of
        # the express lane. Checking on every request whether they are enabled costs 5 %.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        **openapi.DESCRIPTION,
    )
    # Fixed paths first: the path of one session would match some of them as well.
    for routes in (events, export, search, sessions, messages, ops, docs):
        # Not by `include_router`, which would build every route a second time and match every request twice.
        app.router.routes.extend(routes.router.routes)
    problems.install(app)
    openapi.install(app)
    page.install(app, settings.frontend_dir, sign_in)
    app.add_middleware(Prefix, root_path=settings.root_path, trusted_proxies=settings.trusted_proxies)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, budget=large_bodies())
    # Around FastAPI's own layers, which the express lane does not need, and in place of the outermost one, which would
    # respond to exceptions in plain text.
    fastapi = cast("ServerErrorMiddleware", app.build_middleware_stack()).app
    express = ExpressLane(ExpressAppends(fastapi, settings.max_body_bytes))
    layers: ASGIApp = Head(Failsafe(express))
    if settings.cors_origins:
        layers = Cors(layers, settings.cors_origins)
    layers = RequestMiddleware(layers, served, drain, page.SECURITY_HEADERS)
    if tracing is not None:
        layers = TracingMiddleware(layers, tracing.tracer, pseudonym_of)
    app.middleware_stack = layers
    return app


class Database(NamedTuple):
    """The client, and the outages that it has logged."""

    prisma: BridgedPrisma
    availability: Availability


class Telemetry(NamedTuple):
    """What a worker reports about itself."""

    metrics: Metrics
    served: ServedRequests
    tracing: Tracing | None


@asynccontextmanager
async def _opened(
    settings: Settings, telemetry: Telemetry, drain: Drain, database: Database
) -> AsyncIterator[AppState]:
    metrics, served, tracing = telemetry
    prisma, preconditions = database.prisma, Preconditions(database.prisma, database.availability)
    async with AsyncExitStack() as stack:
        if tracing is not None:
            stack.push_async_callback(tracing.close)
        await stack.enter_async_context(prisma)
        await preconditions.check_at_start()
        exposition = Exposition(metrics, served, prisma.engine, settings.metrics_dir)
        await stack.enter_async_context(exposition.opened())
        link = RedisLink(settings, metrics, nullcontext if tracing is None else redis_span(tracing.tracer))
        stack.push_async_callback(link.close)
        sources = key_sources(settings)
        for source in sources:
            stack.push_async_callback(source.close)
        store, cache = SessionStore(prisma, preconditions.topology), SessionCache(link, settings, metrics)
        evictor, lock = Evictor(cache, link, settings, metrics), SessionLock(link, settings, metrics)
        feed = Feed(link, settings, metrics)
        sweeper = Sweeper(Outbox(prisma), cache, link, settings, metrics)
        watches = (sweeper.watch(), preconditions.watch(), lag.measure(metrics))
        webhooks = Dispatch(WebhookQueue(prisma), settings, metrics)
        for endless in (sweeper.run(), SearchKeys(prisma).run(), feed.run(), webhooks.run(), *watches):
            stack.push_async_callback(_end, asyncio.create_task(endless))
        stack.enter_context(before_shutdown(drain, feed.close))
        await stack.enter_async_context(log_lifetime(settings))
        yield AppState(
            authenticator=Authenticator(settings, *sources),
            rate_limit=RateLimit(link, settings, metrics) if settings.rate_limit else None,
            parsed_queries=ParsedQueries(),
            sessions=ChatSessions(store, cache, evictor, lock, settings),
            feed=feed,
            health=Health(preconditions, link, drain),
            exposition=exposition,
            settings=settings,
        )


async def _end(task: asyncio.Task[None]) -> None:
    # More than once: asyncio.wait_for, which redis-py uses, can lose a cancellation before Python 3.12.
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
