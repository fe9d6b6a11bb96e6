"""A Redis Cluster of three masters with replicas behaves like one server."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from pydantic import SecretStr
from redis.exceptions import RedisError

from chat_sessions.cache.keys import UserKeys
from chat_sessions.cache.redis.masters import Masters
from chat_sessions.dev.embedded import Postgres, Redis
from chat_sessions.settings import Settings
from tests import redis_cluster
from tests.command import Operator
from tests.costs import commands
from tests.databases import EMPTY
from tests.listening import following, heard_until_created, on_a_socket
from tests.process import serving
from tests.proxy import Proxy
from tests.redis_cluster import Cluster
from tests.scrape import scrape
from tests.service import Caller, running
from tests.steps import LIFE, Both, cached, deleted, life, served_from_the_cache, statuses
from tests.waiting import notes, swept, until, until_none
from tests.wire import url_through
from tests.world import SOON_AWAY, World, world

READ_OF_A_SESSION = b'NOT page."cut"'
GOOD_SECRET = secrets.token_hex(32)


@pytest.fixture(scope="module")
async def formed() -> AsyncIterator[Cluster]:
    async with redis_cluster.cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
async def started(postgres: Postgres, settings: Settings, formed: Cluster) -> AsyncIterator[World]:
    quick = {"sweep_interval": 0.1, "lease_slack": 1.5}
    async with world(postgres, settings, redis_url=SecretStr(formed.url), **quick) as deployment:
        yield deployment


@pytest.fixture(autouse=True)
async def cluster(formed: Cluster, started: World) -> AsyncIterator[Cluster]:
    """An intact, empty cluster."""
    await formed.restore()
    await started.database.execute(EMPTY)
    await formed.emptied()
    yield formed
    assert await formed.keys_without_ttl() == [], "every key has a TTL"


@pytest.fixture
async def deployment(started: World, cluster: Cluster) -> AsyncIterator[World]:  # noqa: ARG001  which is whole
    """Two workers that trust the cache."""
    await started.settled()
    yield started
    await started.trusted()


@pytest.fixture
async def master(cluster: Cluster) -> Redis:
    """One of the three masters, with the keys of `user` but not of `neighbour`."""
    return cluster.masters[0]


@pytest.fixture
async def other(cluster: Cluster) -> Redis:
    return cluster.masters[1]


@pytest.fixture
async def user(cluster: Cluster, master: Redis) -> str:
    return await cluster.user_of(master)


@pytest.fixture
async def callers(deployment: World, user: str) -> AsyncIterator[Both]:
    async with deployment.callers(user) as both:
        yield both


async def test_a_session_can_be_created_used_and_deleted(callers: Both) -> None:
    ada, also_ada = callers
    session_id = (await ada.create("Lisbon"))["id"]
    assert (await also_ada.append(session_id, "hi", "there")).status_code == 201
    assert (await ada.change(session_id, title="Porto")).status_code == 200
    assert [each["content"] for each in (await also_ada.get(session_id)).json()["messages"]] == ["hi", "there"]
    assert await also_ada.titles() == ["Porto"]
    assert (await ada.delete(session_id)).status_code == 204
    assert (await also_ada.get(session_id)).status_code == 404
    assert await also_ada.titles() == []
    assert (await ada.append(session_id, "late")).status_code == 404
    assert (await also_ada.http.post("/api/chat/sessions", json={"id": session_id})).status_code == 409


async def test_a_delete_is_one_statement_and_one_script_on_one_master(
    deployment: World, callers: Both, cluster: Cluster, user: str
) -> None:
    [session_id, _] = await cached(deployment, cluster, user, callers[0])
    await swept(deployment.database)
    statements = deployment.workers[0].record_statements()
    async with AsyncExitStack() as stack:
        sent = [await stack.enter_async_context(commands(cluster[each])) for each in cluster.masters]
        assert (await callers[0].delete(session_id)).status_code == 204
        assert [each.split()[0] for each in statements()] == ["DELETE"]
        assert sorted([[command.split()[0] for command in await each()] for each in sent]) == [[], [], ["EVALSHA"]]


async def test_users_of_all_masters_are_served_concurrently(deployment: World, cluster: Cluster) -> None:
    users = [await cluster.user_of(cluster.masters[number % 3], f"user {number} ") for number in range(30)]
    async with AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(deployment.callers(each)) for each in users]
        pages = await asyncio.gather(
            *(cached(deployment, cluster, user, pair[0]) for user, pair in zip(users, pairs, strict=True))
        )
        assert all([await cluster[each].dbsize() for each in cluster.masters])
        gone = await asyncio.gather(*(pair[0].delete(ids[0]) for pair, ids in zip(pairs, pages, strict=True)))
        assert {each.status_code for each in gone} == {204}
        for number in (0, 1):
            titles = await asyncio.gather(*(pair[number].titles() for pair in pairs))
            assert titles == [["Porto"]] * len(users)


async def test_a_worker_serves_what_another_cached_on_any_master(deployment: World, cluster: Cluster) -> None:
    users = [await cluster.user_of(each) for each in cluster.masters]
    async with AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(deployment.callers(each)) for each in users]
        ids = [await cached(deployment, cluster, user, pair[0]) for user, pair in zip(users, pairs, strict=True)]

        async def misses() -> list[str]:
            statements = deployment.workers[1].record_statements()
            for pair, [session_id, _] in zip(pairs, ids, strict=True):
                assert (await pair[1].get(session_id)).status_code == 200
            return statements()

        await until_none(misses)


async def test_a_read_that_began_before_a_delete_does_not_bring_the_session_back(
    postgres: Postgres, deployment: World, cluster: Cluster, master: Redis, user: str, callers: Both
) -> None:
    [session_id, _] = await cached(deployment, cluster, user, callers[0])
    await swept(deployment.database)
    keys = UserKeys(user)
    await cluster[master].delete(keys.session(session_id), keys.hold(session_id))
    async with Proxy(postgres.port).running() as proxy:
        url = url_through(proxy, postgres, deployment.settings.database_url)
        async with (
            running(deployment.settings.model_copy(update={"database_url": url})) as slow,
            slow.client(user) as client,
            proxy.hold_response_to(READ_OF_A_SESSION) as gate,
        ):
            reading = asyncio.ensure_future(Caller(client).get(session_id))
            await gate.reached_by(reading)
            assert (await callers[0].delete(session_id)).status_code == 204
            gate.released.set()
            assert (await reading).status_code == 200
    assert keys.session(session_id) not in await cluster.keys(keys.all)
    assert await statuses(callers, [session_id], 1) == {404}


async def test_writers_of_one_session_take_turns(callers: Both) -> None:
    session_id = (await callers[0].create())["id"]
    before = await unlocked(callers)
    responses = await asyncio.gather(*(callers[number % 2].append(session_id, str(number)) for number in range(20)))
    assert {response.status_code for response in responses} == {201}
    messages = (await callers[0].get(session_id)).json()["messages"]
    assert [each["sequence"] for each in messages] == list(range(20))
    assert await unlocked(callers) == before


async def unlocked(callers: Both) -> list[float]:
    return [(await scrape(caller)).sum("chat_unlocked_appends_total") for caller in callers]


async def test_deletions_stay_final_when_a_dead_master_loses_their_evictions(
    deployment: World, cluster: Cluster, master: Redis, user: str, callers: Both
) -> None:
    ids = await cached(deployment, cluster, user, callers[0])
    replica = await cluster.replica_of(master)
    await cluster.cut_off(replica)
    assert await deleted(callers[0], ids) == {204}
    await swept(deployment.database)
    master.kill()
    await cluster.promote(replica)
    assert await cluster[replica].exists(*map(UserKeys(user).session, ids)) == len(ids), (
        "the entries must still be there"
    )
    assert await statuses(callers, ids) == {404}
    await deployment.settled()
    assert await statuses(callers, ids) == {404}
    assert await callers[1].titles() == []


async def test_deletions_stay_final_when_the_first_master_is_promoted_again(
    deployment: World, cluster: Cluster, master: Redis, user: str, callers: Both
) -> None:
    ids = await cached(deployment, cluster, user, callers[0])
    replica = await cluster.replica_of(master)
    await cluster.cut_off(replica)
    assert await deleted(callers[0], ids) == {204}
    await swept(deployment.database)
    await cluster.promote(replica)
    for caller in callers:
        await cached(deployment, cluster, user, caller)
    # It never stopped, so the deleted sessions were cached under its run id; its data are now the other master's.
    assert await cluster.replica_of(replica) is master
    await cluster.promote(master)
    assert await cluster[master].exists(*map(UserKeys(user).session, ids)) == len(ids), (
        "the entries must still be there"
    )
    assert await statuses(callers, ids) == {404}
    await deployment.settled()
    assert await statuses(callers, ids) == {404}


async def test_no_request_fails_while_a_replica_takes_over_from_a_dead_master(
    deployment: World, cluster: Cluster, master: Redis, other: Redis, callers: Both
) -> None:
    neighbour = await cluster.user_of(other, "neighbour ")
    replica = await cluster.replica_of(master)
    async with deployment.callers(neighbour) as neighbours:
        everybody = (*callers, *neighbours)
        during = [asyncio.ensure_future(life(caller)) for caller in everybody for _ in range(3)]
        master.kill()
        during += [asyncio.ensure_future(life(caller)) for caller in everybody for _ in range(3)]
        await asyncio.wait(during, return_when=asyncio.FIRST_COMPLETED)
        await cluster.promote(replica)
        during += [asyncio.ensure_future(life(caller)) for caller in everybody for _ in range(3)]
        assert {tuple(each) for each in await asyncio.gather(*during)} == {tuple(LIFE)}
    await deployment.settled()


async def test_the_cache_is_used_again_after_a_failover(
    deployment: World, cluster: Cluster, master: Redis, user: str, callers: Both
) -> None:
    replica = await cluster.replica_of(master)
    master.kill()
    await cluster.promote(replica)
    await deployment.settled()
    ids = await cached(deployment, cluster, user, callers[0])
    await served_from_the_cache(deployment, callers, ids)


async def test_a_dead_master_without_a_replica_costs_the_cache_and_no_request(
    deployment: World, cluster: Cluster, master: Redis, user: str, callers: Both
) -> None:
    ids = await cached(deployment, cluster, user, callers[0])
    (await cluster.replica_of(master)).kill()
    master.kill()
    assert await deleted(callers[0], ids[:1]) == {204}
    assert await statuses(callers, ids[:1]) == {404}
    assert await statuses(callers, ids[1:], 1) == {200}
    assert await notes(deployment.database)
    master.start()
    await swept(deployment.database)
    assert await statuses(callers, ids[:1]) == {404}


async def test_calls_succeed_while_a_slot_moves_and_use_its_new_master(
    deployment: World, cluster: Cluster, master: Redis, other: Redis, user: str, callers: Both
) -> None:
    ids = await cached(deployment, cluster, user, callers[0])
    going = [asyncio.ensure_future(life(caller)) for caller in callers for _ in range(3)]
    await cluster.move(user, master, other)
    going += [asyncio.ensure_future(life(caller)) for caller in callers for _ in range(3)]
    assert {tuple(each) for each in await asyncio.gather(*going)} == {tuple(LIFE)}
    assert await deleted(callers[1], ids) == {204}
    assert await statuses(callers, ids) == {404}
    [again, _] = await cached(deployment, cluster, user, callers[0])
    assert await cluster[other].exists(UserKeys(user).session(again)) == 1


async def test_an_idle_worker_finds_a_moved_slot(
    deployment: World, cluster: Cluster, master: Redis, other: Redis, user: str
) -> None:
    # The first slot that a master gets creates an epoch.
    await cluster.move(await cluster.user_of(master, "pioneer "), master, other)
    still = deployment.settings.model_copy(update={"sweep_interval": 3600})
    async with running(still) as worker, worker.client(user) as client:
        session_id = (await Caller(client).create())["id"]
        await cluster.move(user, master, other)
        assert (await Caller(client).delete(session_id)).status_code == 204
        assert await Caller(client).is_fully_ready()
        metrics = await scrape(client)
    assert metrics.sum("chat_cache_evictions_total", result="done") == 2


async def test_moved_slots_are_served_only_after_their_new_masters_run_id_was_read(
    deployment: World, cluster: Cluster, master: Redis, other: Redis, user: str
) -> None:
    """Older entries of the new master would otherwise pass for entries of its current run."""
    errors: list[RedisError] = []
    masters = Masters(deployment.settings.model_copy(update=SOON_AWAY), errors.append)
    key = UserKeys(user).list
    try:
        await masters.discover()
        before = masters.owner(key)
        await cluster.move(user, master, other)
        other.pause()
        looking = asyncio.ensure_future(masters.discover())
        owners = [masters.owner(key)]
        while not looking.done():
            owners += [] if errors else [masters.owner(key)]
            await asyncio.sleep(0.01)
        assert set(owners) == {before}
        assert errors
        assert masters.owner(key) is not before
    finally:
        other.resume()
        await masters.close()


async def test_an_entry_that_moved_away_and_back_with_its_slot_is_not_trusted(
    deployment: World, cluster: Cluster, master: Redis, other: Redis, user: str, callers: Both
) -> None:
    """Its eviction may have been lost while the slot was elsewhere.

    Both workers have read the run id there: others do so only once per sweep interval (decision 14).
    """
    [session_id, _] = await cached(deployment, cluster, user, callers[0])
    key = UserKeys(user).session(session_id)
    entry = await cluster[master].dump(key)
    assert entry is not None
    await cluster.move(user, master, other)
    assert await deleted(callers[0], [session_id]) == {204}
    assert await statuses(callers, [session_id]) == {404}
    await swept(deployment.database)
    # A sweeper that has read the note may still be evicting.
    await deployment.settled()
    await cluster[other].restore(key, 60_000, entry, replace=True)
    await cluster.move(user, other, master)
    assert await cluster[master].exists(key) == 1, "the entry must be back"
    assert await statuses(callers, [session_id]) == {404}
    await deployment.settled()
    assert await statuses(callers, [session_id]) == {404}


async def test_the_feed_delivers_another_workers_changes_on_any_master(deployment: World, cluster: Cluster) -> None:
    async with on_a_socket(deployment.workers[0]) as url:
        for master in cluster.masters:
            user = await cluster.user_of(master)
            async with following(url, user) as listener, deployment.callers(user) as (_, also):
                assert "session.created" in await heard_until_created(listener, also)


async def test_the_feed_continues_after_a_failover(
    deployment: World, cluster: Cluster, master: Redis, user: str, callers: Both
) -> None:
    async with on_a_socket(deployment.workers[0]) as url, following(url, user) as listener:
        await heard_until_created(listener, callers[1])
        replica = await cluster.replica_of(master)
        master.kill()
        await cluster.promote(replica)
        await deployment.settled()
        assert "reset" in await heard_until_created(listener, callers[1])


async def test_two_hundred_sessions_are_deleted_in_one_batch(
    deployment: World, cluster: Cluster, user: str, callers: Both
) -> None:
    await deployment.database.execute(
        'INSERT INTO "ChatSession" ("id", "userId") SELECT \'bulk \' || n, $1 FROM generate_series(1, 200) AS n', user
    )
    response = await callers[0].http.post("/api/chat/sessions/batch-delete", json={"filter": {"all": True}})
    assert response.json()["count"] == 200
    assert UserKeys(user).generation not in await cluster.keys(UserKeys(user).all)
    assert await callers[1].titles() == []


async def test_an_erased_user_has_no_key_on_any_master(
    deployment: World, cluster: Cluster, user: str, callers: Both
) -> None:
    await cached(deployment, cluster, user, callers[0])
    result = await Operator(deployment.settings).succeed("erase-user", user, "--yes")
    assert "0 keys left" in result.stdout
    assert await cluster.keys(UserKeys(user).all) == []


async def test_the_doctor_accepts_an_intact_cluster(deployment: World, cluster: Cluster, master: Redis) -> None:
    facts = await cluster[master].info("server")
    product = f"Valkey {facts['valkey_version']}" if "valkey_version" in facts else f"Redis {facts['redis_version']}"
    shown = (await Operator(deployment.settings).succeed("doctor", CHAT_JWT_SECRET=GOOD_SECRET)).stdout
    assert f"{product}, cluster, responds in" in shown
    assert "3 masters, each with a replica" in shown


async def test_the_doctor_names_a_master_without_a_replica(deployment: World, cluster: Cluster, master: Redis) -> None:
    (await cluster.replica_of(master)).kill()

    async def is_alone() -> bool:
        return bool((await cluster[master].info("replication"))["connected_slaves"] == 0)

    await until(is_alone)
    assert (
        "3 masters, 1 without a replica"
        in (await Operator(deployment.settings).succeed("doctor", CHAT_JWT_SECRET=GOOD_SECRET)).stdout
    )


async def test_the_doctor_reports_a_cluster_node_configured_as_a_single_server(
    deployment: World, master: Redis
) -> None:
    result = await Operator(deployment.settings).fail("doctor", CHAT_REDIS_URL=master.url)
    assert "Start CHAT_REDIS_URL with redis+cluster://" in result.stdout


async def test_the_service_starts_and_stops_on_a_cluster(deployment: World, user: str) -> None:
    async with serving(deployment.settings) as process, process.caller(user) as caller:
        assert await life(caller) == LIFE
        assert await process.terminated() in {0, -15}
