"""A Redis master and replica under Sentinel."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.link import RedisAway, RedisLink
from chat_sessions.dev.embedded import Postgres, Redis
from chat_sessions.settings import Settings
from chat_sessions.telemetry.metrics import Metrics
from tests import redis_guarded
from tests.command import Operator
from tests.databases import EMPTY
from tests.listening import following, heard_until_created, on_a_socket
from tests.redis_guarded import Guarded
from tests.steps import Both, cached, deleted, served_from_the_cache, statuses
from tests.waiting import swept, until
from tests.world import World, world

ADA = UserKeys("ada")
TITLES = "Lisbon Porto Braga Faro Tavira"


@pytest.fixture(scope="module")
async def made() -> AsyncIterator[Guarded]:
    async with redis_guarded.guarded() as servers:
        yield servers


@pytest.fixture(scope="module")
async def started(postgres: Postgres, settings: Settings, made: Guarded) -> AsyncIterator[World]:
    quick = {"sweep_interval": 0.1, "lease_slack": 1.5}
    async with world(postgres, settings, redis_url=SecretStr(made.url), **quick) as deployment:
        yield deployment


@pytest.fixture(autouse=True)
async def guarded(made: Guarded, started: World) -> Guarded:
    """A master, its replica and the sentinels, without data."""
    await made.restore()
    await started.database.execute(EMPTY)
    await made.emptied()
    return made


@pytest.fixture
async def deployment(started: World, guarded: Guarded) -> World:  # noqa: ARG001  which is whole
    """Two workers that trust the cache."""
    await started.settled()
    return started


@pytest.fixture
async def master(guarded: Guarded) -> Redis:
    return guarded.all[0]


@pytest.fixture
async def callers(deployment: World) -> AsyncIterator[Both]:
    async with deployment.callers("ada") as both:
        yield both


async def test_a_session_can_be_created_used_and_deleted(deployment: World, callers: Both, guarded: Guarded) -> None:
    ada, also_ada = callers
    [session_id, *others] = await cached(deployment, guarded, "ada", ada, TITLES)
    assert (await also_ada.append(session_id, "hi")).status_code == 201
    assert (await ada.change(session_id, title="Porto")).status_code == 200
    assert (await also_ada.get(session_id)).json()["title"] == "Porto"
    assert await deleted(ada, [session_id, *others]) == {204}
    assert await statuses(callers, [session_id, *others]) == {404}
    assert await also_ada.titles() == []


async def test_deletions_stay_final_when_a_dead_master_loses_their_evictions(
    deployment: World, guarded: Guarded, master: Redis, callers: Both
) -> None:
    ids = await cached(deployment, guarded, "ada", callers[0], TITLES)
    replica = await guarded.replica_of(master)
    await guarded.cut_off(replica)
    assert await deleted(callers[0], ids) == {204}
    await swept(deployment.database)
    master.kill()
    assert await statuses(callers, ids) == {404}
    await guarded.promote(replica)
    assert await guarded[replica].exists(*map(ADA.session, ids)) == len(ids), "the entries must still be there"
    assert await statuses(callers, ids) == {404}
    await deployment.settled()
    assert await statuses(callers, ids) == {404}


async def test_deletions_stay_final_when_the_first_master_is_promoted_again(
    deployment: World, guarded: Guarded, master: Redis, callers: Both
) -> None:
    ids = await cached(deployment, guarded, "ada", callers[0], TITLES)
    replica = await guarded.replica_of(master)
    await guarded.cut_off(replica)
    assert await deleted(callers[0], ids) == {204}
    await swept(deployment.database)
    await guarded.promote(replica)
    # It never stopped, so the deleted sessions were cached under its run id; its data are now the other master's.
    await guarded.demote(master, replica)
    for caller in callers:
        await cached(deployment, guarded, "ada", caller, TITLES)
    assert await guarded.replica_of(replica) is master
    await guarded.promote(master)
    assert await guarded[master].exists(*map(ADA.session, ids)) == len(ids), "the entries must still be there"
    assert await statuses(callers, ids) == {404}
    await deployment.settled()
    assert await statuses(callers, ids) == {404}


async def test_the_cache_is_used_again_after_a_failover(
    deployment: World, guarded: Guarded, master: Redis, callers: Both
) -> None:
    replica = await guarded.replica_of(master)
    master.kill()
    created = await asyncio.gather(*(callers[number % 2].create(str(number)) for number in range(10)))
    await guarded.promote(replica)
    assert await statuses(callers, [each["id"] for each in created]) == {200}
    await deployment.settled()
    ids = await cached(deployment, guarded, "ada", callers[0], TITLES)
    await served_from_the_cache(deployment, callers, ids)


async def test_the_feed_continues_after_a_failover(
    deployment: World, guarded: Guarded, master: Redis, callers: Both
) -> None:
    async with on_a_socket(deployment.workers[0]) as url, following(url) as listener:
        await heard_until_created(listener, callers[1])
        replica = await guarded.replica_of(master)
        master.kill()
        await guarded.promote(replica)
        await deployment.settled()
        assert "reset" in await heard_until_created(listener, callers[1])


async def test_stopped_sentinels_are_skipped_and_without_any_no_request_fails(
    deployment: World, guarded: Guarded, callers: Both
) -> None:
    ids = await cached(deployment, guarded, "ada", callers[0], TITLES)
    for sentinel in guarded.sentinels[:-1]:
        sentinel.kill()
    assert await deleted(callers[0], ids[:1]) == {204}
    assert await callers[0].is_fully_ready()
    guarded.sentinels[-1].kill()

    async def nobody_trusts() -> bool:
        return not any([await caller.is_fully_ready() for caller in callers])

    await until(nobody_trusts)
    assert await deleted(callers[0], ids[1:2]) == {204}
    assert await statuses(callers, ids[:2]) == {404}
    assert await statuses(callers, ids[2:]) == {200}
    for sentinel in guarded.sentinels:
        sentinel.start()
    await deployment.settled()


async def test_a_demoted_server_has_a_new_epoch_when_it_is_promoted_again(
    settings: Settings, guarded: Guarded, master: Redis
) -> None:
    link = RedisLink(settings.model_copy(update={"redis_url": SecretStr(master.url)}), Metrics())
    try:
        await link.ping()
        first = link.epoch(ADA.list)
        await link.ping()
        await guarded.demote(master, await guarded.replica_of(master))
        with pytest.raises(RedisAway):
            await link.ping()
        await guarded[master].replicaof("NO", "ONE")
        with pytest.raises(RedisAway):
            await link.ping()
        await link.ping()
        assert link.epoch(ADA.list) != first
    finally:
        await link.close()


async def test_a_replica_is_rejected_on_every_attempt(settings: Settings, guarded: Guarded, master: Redis) -> None:
    replica = await guarded.replica_of(master)
    link = RedisLink(settings.model_copy(update={"redis_url": SecretStr(replica.url)}), Metrics())
    try:
        for _ in range(2):
            with pytest.raises(RedisAway) as refused:
                await link.ping()
            assert str(refused.value.__cause__) == "it is a replica, which refuses writes"
        assert link.epoch(ADA.list) == ""
    finally:
        await link.close()


async def test_the_doctor_accepts_the_master_and_its_replica(deployment: World) -> None:
    result = await Operator(deployment.settings).succeed("doctor", CHAT_JWT_SECRET=secrets.token_hex(32))
    assert "1 master, each with a replica" in result.stdout


async def test_the_doctor_reports_an_unknown_master_and_a_missing_sentinel_password(
    deployment: World, guarded: Guarded
) -> None:
    wrong = await Operator(deployment.settings).fail("doctor", CHAT_REDIS_URL=guarded.url.replace("/chats", "/chits"))
    assert "No master found for 'chits'" in wrong.stdout
    without = await Operator(deployment.settings).fail("doctor", CHAT_REDIS_URL=guarded.url.partition("?")[0])
    assert "AuthenticationError" in without.stdout
    assert guarded.all[0].password not in without.stdout
