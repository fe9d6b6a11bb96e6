"""The parts of the service that the operator's commands use."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from chat_sessions.cache.evictor import Evictor
from chat_sessions.cache.redis.link import RedisLink
from chat_sessions.cache.session_cache import SessionCache
from chat_sessions.operator.bulk import BulkStore
from chat_sessions.operator.deletion import Eraser, Purge
from chat_sessions.operator.evictor import CommandEvictor
from chat_sessions.operator.exporter import Exporter
from chat_sessions.operator.importer import Importer
from chat_sessions.settings import Settings
from chat_sessions.store.export_store import ExportStore
from chat_sessions.store.prisma.client import prisma_client
from chat_sessions.store.session_store import SessionStore
from chat_sessions.telemetry.logs import configure_logging
from chat_sessions.telemetry.metrics import Metrics


class Workbench(NamedTuple):
    """The parts, opened."""

    bulk: BulkStore
    evictor: CommandEvictor
    purge: Purge
    eraser: Eraser
    exporter: Exporter
    importer: Importer


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Workbench]:
    """Open the parts, and close them when the block ends."""
    # The commands print their own messages.
    configure_logging(settings.model_copy(update={"log_level": "error"}))
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        prisma = await stack.enter_async_context(prisma_client(settings))
        link = RedisLink(settings, metrics)
        stack.push_async_callback(link.close)
        bulk, cache = BulkStore(prisma), SessionCache(link, settings, metrics)
        evictor = CommandEvictor(Evictor(cache, link, settings, metrics), link.lease)
        yield Workbench(
            bulk=bulk,
            evictor=evictor,
            purge=Purge(bulk, evictor),
            eraser=Eraser(bulk, cache, link, evictor, settings.cache_hold),
            exporter=Exporter(ExportStore(prisma)),
            importer=Importer(SessionStore(prisma), evictor),
        )
