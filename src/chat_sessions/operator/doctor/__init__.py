"""Looks at everything the service stands on, says what is wrong with it and what to do, and changes nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from chat_sessions.operator.doctor import cache, configuration, database, engine, keys
from chat_sessions.operator.doctor.findings import Finding, State, isolated, skipped

__all__ = ["Finding", "State", "examine"]


async def examine() -> AsyncIterator[Finding]:
    """Yield the findings, each check on its own: one that fails or hangs keeps none of the others from speaking."""
    settings, complaints = configuration.usable()
    yielded = [*configuration.findings(complaints), *keys.secret(settings, complaints)]
    yielded += await isolated("jwks", keys.published(settings))
    yielded += await isolated("node", engine.node())
    yielded += await isolated("client", engine.client())
    for finding in yielded:
        yield finding
    async with AsyncExitStack() as stack:
        started, ask = await engine.start(settings, stack)
        yield started
        if "database_url" in complaints:
            yield skipped("postgres", "for CHAT_DATABASE_URL is wrong")
        elif ask is None:
            yield skipped("postgres", "for the query engine does not run")
        else:
            for finding in await database.examine(settings, ask):
                yield finding
    for finding in await isolated("redis", cache.redis(settings, complaints)):
        yield finding
