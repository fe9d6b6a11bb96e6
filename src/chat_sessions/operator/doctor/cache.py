"""Whether Redis responds, and never evicts a key that must stay."""

import re
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.errors import counted
from chat_sessions.operator.doctor.configuration import SettingErrors
from chat_sessions.operator.doctor.findings import Finding, ok, skipped, warning, wrong
from chat_sessions.settings import Settings
from chat_sessions.settings.redis_address import RedisAddress
from chat_sessions.telemetry.metrics import Metrics

OLDEST = (6, 2)
USER = "doctor"


async def redis(settings: Settings, errors: SettingErrors) -> list[Finding]:
    """Check version, latency, topology, eviction policy and permissions of Redis."""
    if "redis_url" in errors:
        return [skipped("redis", "CHAT_REDIS_URL is missing or invalid")]
    link = RedisLink(settings, Metrics())
    try:
        # Connect first, so that the latency below is that of a query.
        await link.ping()
        started = perf_counter()
        masters = await link.info()
        seconds = perf_counter() - started
        found = [*_servers(masters, seconds, settings.redis_timeout), *_topology(settings, link, masters)]
        return [*found, *dict.fromkeys(map(_eviction, masters)), await _scripts(link)]
    except RedisAway as error:
        advice = f"Check CHAT_REDIS_URL, and whether Redis responds within {settings.redis_timeout:g} s."
        return [wrong("redis", f"no response: {str(error.__cause__).removesuffix('.')}", advice)]
    finally:
        await link.close()


def _servers(masters: list[dict[str, Any]], seconds: float, timeout: float) -> Iterator[Finding]:
    products = ", ".join(sorted(set(map(_product, masters))))
    detail = f"{products}, {_mode(masters[0])}, responds in {seconds * 1000:.1f} ms"
    if any(_compatible_version(facts) < OLDEST for facts in masters):
        yield wrong("redis", detail, "Use Redis 6.2 or newer.")
    elif seconds > timeout / 2:
        yield warning("redis", f"{detail}, and times out at {timeout:g} s", "Move it closer to the service.")
    else:
        yield ok("redis", detail)


def _product(facts: dict[str, Any]) -> str:
    if version := facts.get("valkey_version"):
        return f"Valkey {version}"
    return f"Redis {facts.get('redis_version', '?')}"


def _compatible_version(facts: dict[str, Any]) -> tuple[int, ...]:
    """Return the Redis version; Valkey reports the one that it is compatible with."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", str(facts.get("redis_version", "?")))[:2])


def _mode(facts: dict[str, Any]) -> str:
    return str(facts.get("redis_mode") or facts.get("server_mode", "standalone"))  # Valkey has the second


def _topology(settings: Settings, link: RedisLink, masters: list[dict[str, Any]]) -> Iterator[Finding]:
    """Check the replicas, the slots, and whether the URL's scheme matches the kind of Redis."""
    kind = RedisAddress.parse(settings.redis_url.get_secret_value()).kind
    is_cluster = _mode(masters[0]) == "cluster"
    if is_cluster and kind != "cluster":
        advice = "Start CHAT_REDIS_URL with redis+cluster:// (or rediss+cluster://)."
        yield wrong("masters", "this is a cluster, but CHAT_REDIS_URL names a single server", advice)
    elif kind != "server":
        alone = sum(facts.get("connected_slaves") == 0 for facts in masters)
        detail = counted(len(masters), "master")
        if alone:
            advice = "Add a replica to each master: when one fails, its users' reads go to Postgres."
            yield warning("masters", f"{detail}, {alone} without a replica", advice)
        else:
            yield ok("masters", f"{detail}, each with a replica")
    if link.unserved:
        advice = "Run `redis-cli --cluster fix`."
        yield wrong("masters", f"no master serves {counted(link.unserved, 'slot')}", advice)


def _eviction(facts: dict[str, Any]) -> Finding:
    policy, limit = str(facts.get("maxmemory_policy", "noeviction")), int(facts.get("maxmemory", 0))
    if policy == "noeviction":
        return ok("eviction", "maxmemory-policy is noeviction")
    detail = f"maxmemory-policy is {policy}"
    if limit == 0:
        advice = "Set it to noeviction anyway, in case maxmemory is set later."
        return warning("eviction", f"{detail}; without maxmemory nothing is evicted yet", advice)
    # Holds keep deleted sessions out of the cache. volatile-ttl is no better: it evicts them first.
    detail += ": Redis may evict a hold, and then a slow reader can cache a deleted session"
    return wrong("eviction", detail, "Set maxmemory-policy to noeviction and maxmemory high enough; every key expires.")


async def _scripts(link: RedisLink) -> Finding:
    try:
        await link.run("last", [UserKeys(USER).events], [])
    except RedisAway as error:
        return wrong("scripts", f"rejected: {error.__cause__}", "Let this Redis user run EVALSHA and SCRIPT LOAD.")
    return ok("scripts", "this Redis user can run scripts")
