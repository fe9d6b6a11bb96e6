"""Whether Redis is there, and keeps what it is told to keep."""

import re
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from chat_sessions.cache import Keys
from chat_sessions.doctor.configuration import Complaints
from chat_sessions.doctor.findings import Finding, ok, skipped, warning, wrong
from chat_sessions.redis_link import RedisAway, RedisLink
from chat_sessions.settings import Settings
from chat_sessions.telemetry import Metrics

OLDEST = (6, 2)
USER = "doctor"


async def redis(settings: Settings, complaints: Complaints) -> list[Finding]:
    """Ask Redis about itself."""
    if "redis_url" in complaints:
        return [skipped("redis", "for CHAT_REDIS_URL is wrong")]
    link = RedisLink(settings, Metrics())
    try:
        facts = await link.facts()
        started = perf_counter()
        await link.ping()
        found = [*_server(facts, perf_counter() - started, settings.redis_timeout), _eviction(facts)]
        return [*found, await _scripts(link)]
    except RedisAway as error:
        advice = f"Check CHAT_REDIS_URL, and whether Redis runs and answers within {settings.redis_timeout:g} s."
        return [wrong("redis", f"no answer: {error.__cause__}", advice)]
    finally:
        await link.close()


def _server(facts: dict[str, Any], seconds: float, limit: float) -> Iterator[Finding]:
    version = str(facts.get("redis_version", "?"))
    detail = f"Redis {version}, {facts.get('redis_mode', 'standalone')}, answers in {seconds * 1000:.1f} ms"
    if tuple(int(part) for part in re.findall(r"[0-9]+", version)[:2]) < OLDEST:
        yield wrong("redis", detail, "Use Redis 6.2 or newer.")
    elif seconds > limit / 2:
        yield warning("redis", f"{detail} of the {limit:g} s that it may take", "Move it nearer.")
    else:
        yield ok("redis", detail)
    if facts.get("role") == "slave":
        yield wrong("redis", "it is a replica, which takes no writes", "Let CHAT_REDIS_URL name the master.")


def _eviction(facts: dict[str, Any]) -> Finding:
    policy, limit = str(facts.get("maxmemory_policy", "noeviction")), int(facts.get("maxmemory", 0))
    if policy == "noeviction":
        return ok("eviction", "maxmemory-policy is noeviction")
    detail = f"maxmemory-policy is {policy}"
    if limit == 0:
        advice = "Set it to noeviction all the same: one day somebody sets maxmemory."
        return warning("eviction", f"{detail}, though without maxmemory nothing is evicted", advice)
    # A hold is what keeps a deleted session out of the cache. Those with the shortest life go first by volatile-ttl.
    detail += ": Redis may drop a hold, and then a slow reader puts a deleted session back into the cache"
    return wrong(
        "eviction", detail, "Set maxmemory-policy to noeviction, and maxmemory high enough; every key expires."
    )


async def _scripts(link: RedisLink) -> Finding:
    keys = Keys(USER)
    try:
        await link.run("read", [keys.list, keys.list_hold], ["", ""])
    except RedisAway as error:
        return wrong("scripts", f"refused: {error.__cause__}", "Let this Redis user run EVALSHA and SCRIPT LOAD.")
    return ok("scripts", "this Redis user may run scripts")
