"""Whether Redis is there, and keeps what it is told to keep."""

import re
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.operator.doctor.configuration import Complaints
from chat_sessions.operator.doctor.findings import Finding, ok, skipped, warning, wrong
from chat_sessions.settings import Settings
from chat_sessions.settings.redis_address import RedisAddress
from chat_sessions.telemetry.metrics import Metrics

OLDEST = (6, 2)
USER = "doctor"


async def redis(settings: Settings, complaints: Complaints) -> list[Finding]:
    """Ask Redis about itself."""
    if "redis_url" in complaints:
        return [skipped("redis", "for CHAT_REDIS_URL is wrong")]
    link = RedisLink(settings, Metrics())
    try:
        # The first time it connects.
        await link.ping()
        started = perf_counter()
        masters = await link.facts()
        seconds = perf_counter() - started
        found = [*_servers(masters, seconds, settings.redis_timeout), *_arrangement(settings, link, masters)]
        return [*found, *dict.fromkeys(map(_eviction, masters)), await _scripts(link)]
    except RedisAway as error:
        advice = f"Check CHAT_REDIS_URL, and whether Redis runs and answers within {settings.redis_timeout:g} s."
        return [wrong("redis", f"no answer: {error.__cause__}", advice)]
    finally:
        await link.close()


def _servers(masters: list[dict[str, Any]], seconds: float, limit: float) -> Iterator[Finding]:
    products = ", ".join(sorted(set(map(_product, masters))))
    detail = f"{products}, {_mode(masters[0])}, answers in {seconds * 1000:.1f} ms"
    if any(_compatible_version(facts) < OLDEST for facts in masters):
        yield wrong("redis", detail, "Use Redis 6.2 or newer.")
    elif seconds > limit / 2:
        yield warning("redis", f"{detail} of the {limit:g} s that it may take", "Move it nearer.")
    else:
        yield ok("redis", detail)


def _product(facts: dict[str, Any]) -> str:
    if version := facts.get("valkey_version"):
        return f"Valkey {version}"
    return f"Redis {facts.get('redis_version', '?')}"


def _compatible_version(facts: dict[str, Any]) -> tuple[int, ...]:
    """Return the Redis that it is, or that Valkey stands in for."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", str(facts.get("redis_version", "?")))[:2])


def _mode(facts: dict[str, Any]) -> str:
    return str(facts.get("redis_mode") or facts.get("server_mode", "standalone"))  # Valkey has the second


def _arrangement(settings: Settings, link: RedisLink, masters: list[dict[str, Any]]) -> Iterator[Finding]:
    """Tell who stands in when a server fails, and whether the URL says what kind of Redis this is."""
    kind = RedisAddress.parse(settings.redis_url.get_secret_value()).kind
    is_cluster = _mode(masters[0]) == "cluster"
    if is_cluster and kind != "cluster":
        advice = "Start CHAT_REDIS_URL with redis+cluster:// (or rediss+cluster://)."
        yield wrong("masters", "it belongs to a cluster, but CHAT_REDIS_URL names a single server", advice)
    elif kind != "server":
        alone = sum(facts.get("connected_slaves") == 0 for facts in masters)
        detail = f"{len(masters)} master{'s'[: len(masters) != 1]}"
        if alone:
            advice = "Give each master a replica: without one its users' chats are read from Postgres when it fails."
            yield warning("masters", f"{detail}, {alone} without a replica", advice)
        else:
            yield ok("masters", f"{detail}, each with a replica")
    if link.unserved:
        advice = "Assign them: `redis-cli --cluster fix`."
        yield wrong("masters", f"{link.unserved} slots are served by nobody", advice)


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
    try:
        await link.run("last", [UserKeys(USER).events], [])
    except RedisAway as error:
        return wrong("scripts", f"refused: {error.__cause__}", "Let this Redis user run EVALSHA and SCRIPT LOAD.")
    return ok("scripts", "this Redis user may run scripts")
