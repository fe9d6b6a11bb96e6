"""Checks everything the service depends on and says how to fix what is wrong; read-only."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from chat_sessions.operator.doctor import cache, configuration, database, engine, keys, webhooks
from chat_sessions.operator.doctor.findings import Finding, FindingState, isolated, skipped

__all__ = ["Finding", "FindingState", "examine"]

# Several receivers may time out.
LONGEST_PROBE_SECONDS = 60.0


async def examine() -> AsyncIterator[Finding]:
    """Yield all findings; a check that fails or hangs does not stop the others."""
    settings, errors = configuration.load_usable()
    early = [*configuration.findings(errors), *keys.secret(settings, errors)]
    early += await isolated("jwks", keys.published(settings))
    early += await isolated("node", engine.node())
    early += await isolated("client", engine.client())
    for finding in early:
        yield finding
    async with AsyncExitStack() as stack:
        started, query = await engine.start(settings, stack)
        yield started
        if "database_url" in errors:
            yield skipped("postgres", "CHAT_DATABASE_URL is missing or invalid")
        elif query is None:
            yield skipped("postgres", "the query engine is not running")
        else:
            for finding in await database.examine(settings, query):
                yield finding
    for finding in await isolated("redis", cache.redis(settings, errors)):
        yield finding
    for finding in await isolated("webhooks", webhooks.receivers(settings), LONGEST_PROBE_SECONDS):
        yield finding
