"""Webhooks: the receivers get every deletion at least once, and none that did not happen."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from chat_sessions.dev.embedded import Postgres
from chat_sessions.dev.embedded.machine import free_port
from chat_sessions.settings import ConfigurationError, Settings, load_settings
from chat_sessions.store.prisma.client import prisma_client
from chat_sessions.store.webhook_queue import FINISH, TAKE_TURN, Delivery, ReceiverBacklog, WebhookQueue
from chat_sessions.webhooks import client, courier
from chat_sessions.webhooks.client import is_public
from chat_sessions.webhooks.dispatch import by_host
from chat_sessions.webhooks.message import message_of
from tests.command import Operator, environment
from tests.costs import counted
from tests.databases import migrated_database
from tests.scrape import scrape
from tests.service import Caller, Service, running
from tests.waiting import until
from tests.webhook_receiver import (
    SECRET,
    WAIT_NO_LONGER,
    Handler,
    Receiver,
    closes,
    configured,
    drips,
    fails,
    hangs,
    receiving,
    redirects,
    with_receiver,
)
from tests.world import world

GUIDE = Path(__file__).parents[1] / "docs" / "webhooks.md"
ALL_EVENTS = ("session.created", "session.updated", "session.deleted")
# The courier's and the sweeper's.
TRANSACTION = {"BEGIN", "COMMIT", TAKE_TURN, FINISH}


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(courier, "FIRST_DELAY", 0.05)


@pytest.fixture
async def service(settings: Settings, receiver: Receiver, database: asyncpg.Pool) -> AsyncIterator[Service]:
    async with running(with_receiver(settings, receiver)) as worker:
        await configured(database, receiver)
        yield worker


@pytest.fixture
async def ada(service: Service) -> AsyncIterator[Caller]:
    async with service.client("ada") as http:
        yield Caller(http)


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[WebhookQueue]:
    async with prisma_client(settings) as prisma:
        yield WebhookQueue(prisma)


async def _waiting(database: asyncpg.Pool) -> int:
    return int(await database.fetchval('SELECT count(*) FROM "WebhookDelivery"'))


async def test_a_deletion_is_delivered(ada: Caller, receiver: Receiver) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    await ada.delete(session_id)
    await receiver.wait_for(session_id)
    [received] = receiver.accepted
    assert received.event == "session.deleted"
    assert received.payload["data"] == {"user_id": "ada", "session_ids": [session_id]}
    assert received.payload["timestamp"].endswith("+00:00")


async def test_an_accepted_delivery_leaves_the_queue(ada: Caller, receiver: Receiver, database: asyncpg.Pool) -> None:
    session_id = (await ada.create("Lisbon"))["id"]
    await ada.delete(session_id)
    await receiver.wait_for(session_id)

    async def finished() -> bool:
        return await _waiting(database) == 0

    await until(finished)


async def test_only_the_chosen_events_are_delivered(
    settings: Settings, receiver: Receiver, database: asyncpg.Pool
) -> None:
    async with (
        running(with_receiver(settings, receiver, webhook_events=ALL_EVENTS)) as worker,
        worker.client("ada") as http,
    ):
        await configured(database, receiver)
        session_id = (await Caller(http).create("Lisbon"))["id"]
        await Caller(http).append(session_id, "hi")
        await Caller(http).delete(session_id)
        await receiver.wait_for(session_id)
    assert [each.event for each in receiver.accepted] == list(ALL_EVENTS)


@pytest.mark.parametrize("statement", ['DELETE FROM "ChatSession"', 'TRUNCATE "ChatSession" CASCADE'])
async def test_a_deletion_by_direct_sql_is_delivered(
    ada: Caller, receiver: Receiver, database: asyncpg.Pool, statement: str
) -> None:
    created = [(await ada.create(str(number)))["id"] for number in range(3)]
    await database.execute(statement)
    await receiver.wait_for(*created)


async def test_a_deletion_that_is_rolled_back_is_not_delivered(
    ada: Caller, receiver: Receiver, database: asyncpg.Pool
) -> None:
    kept, deleted = (await ada.create("kept"))["id"], (await ada.create("deleted"))["id"]
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute('DELETE FROM "ChatSession" WHERE "id" = $1', kept)
        await transaction.rollback()
    await ada.delete(deleted)
    await receiver.wait_for(deleted)
    assert receiver.ids() == {deleted}


@pytest.mark.usefixtures("service")
async def test_many_deletions_are_delivered_five_hundred_at_a_time(receiver: Receiver, database: asyncpg.Pool) -> None:
    await database.execute(
        """INSERT INTO "ChatSession" ("userId", "id") SELECT 'ada', n::text FROM generate_series(1, 1200) AS n"""
    )
    await database.execute('DELETE FROM "ChatSession"')
    await receiver.wait_for(*map(str, range(1, 1201)))
    assert sorted(len(each.session_ids) for each in receiver.accepted) == [200, 500, 500]


@pytest.mark.parametrize("handler", [fails, redirects, closes], ids=lambda handler: handler.__name__)
async def test_a_failed_delivery_is_retried(ada: Caller, receiver: Receiver, handler: Handler) -> None:
    receiver.handlers.extend([handler, handler])
    session_id = (await ada.create("Lisbon"))["id"]
    await ada.delete(session_id)
    await receiver.wait_for(session_id)
    assert len({each.id for each in receiver.attempts}) == 1
    assert len(receiver.attempts) >= 3


async def test_a_delivery_without_a_response_is_retried(
    settings: Settings, receiver: Receiver, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(courier, "FIRST_DELAY", 3600.0)
    receiver.handlers.append(hangs)

    async def timed_out() -> bool:
        error = await database.fetchval('SELECT "error" FROM "WebhookDelivery"')
        return bool(error == "no complete response within 0.2 s")

    async with running(with_receiver(settings, receiver)) as worker, worker.client("ada") as http:
        await configured(database, receiver)
        session_id = (await Caller(http).create("Lisbon"))["id"]
        await Caller(http).delete(session_id)
        await until(timed_out)
        monkeypatch.setattr(courier, "FIRST_DELAY", 0.05)
        await database.execute(WAIT_NO_LONGER)
        await receiver.wait_for(session_id)
    assert receiver.attempts[0].id == receiver.attempts[1].id


async def test_an_endless_response_is_not_read(ada: Caller, receiver: Receiver, database: asyncpg.Pool) -> None:
    receiver.handlers.append(drips)
    first, second = (await ada.create("first"))["id"], (await ada.create("second"))["id"]
    await ada.delete(first)
    await ada.delete(second)
    await receiver.wait_for(second)

    async def finished() -> bool:
        return await _waiting(database) == 0

    await until(finished)
    assert [each.session_ids for each in receiver.attempts] == [[first], [second]]


async def test_a_users_changes_arrive_in_order_even_if_the_first_fails(
    settings: Settings, receiver: Receiver, database: asyncpg.Pool
) -> None:
    receiver.handlers.append(fails)
    async with (
        running(with_receiver(settings, receiver, webhook_events=("session.created", "session.deleted"))) as worker,
        worker.client("ada") as http,
    ):
        await configured(database, receiver)
        session_id = (await Caller(http).create("Lisbon"))["id"]
        await Caller(http).delete(session_id)
        await receiver.wait_for(session_id)
    assert [each.event for each in receiver.accepted] == ["session.created", "session.deleted"]


async def test_a_delivery_that_fails_does_not_hold_up_other_users(
    settings: Settings, receiver: Receiver, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "FIRST_DELAY", 3600.0)
    receiver.handlers.append(fails)
    async with (
        running(with_receiver(settings, receiver)) as worker,
        worker.client("ada") as adas,
        worker.client("bob") as bobs,
    ):
        await configured(database, receiver)
        hers, his = (await Caller(adas).create("hers"))["id"], (await Caller(bobs).create("his"))["id"]
        await Caller(adas).delete(hers)

        async def refused() -> bool:
            return len(receiver.attempts) == 1

        await until(refused)
        await Caller(bobs).delete(his)
        await receiver.wait_for(his)
    assert receiver.ids() == {his}


async def test_a_deletion_is_delivered_to_every_receiver(
    settings: Settings, receiver: Receiver, database: asyncpg.Pool
) -> None:
    async with receiving() as other:
        both = with_receiver(settings, receiver, webhook_url=(receiver.url, other.url))
        async with running(both) as worker, worker.client("ada") as http:
            await configured(database, other)
            session_id = (await Caller(http).create("Lisbon"))["id"]
            other.handlers.append(fails)
            await Caller(http).delete(session_id)
            await receiver.wait_for(session_id)
            await other.wait_for(session_id)


async def test_a_delivery_is_signed_with_every_secret(settings: Settings, database: asyncpg.Pool) -> None:
    old = "whsec_" + "b2xkIHNlY3JldCBvbGQgc2VjcmV0IG9sZCBzZWNyZXQ="
    rotating = {"webhook_secret": (SecretStr(SECRET), SecretStr(old))}
    async with receiving(SECRET) as new_receiver, receiving(old) as old_receiver:
        urls = {"webhook_url": (new_receiver.url, old_receiver.url)}
        async with (
            running(with_receiver(settings, new_receiver, **urls, **rotating)) as worker,
            worker.client("ada") as http,
        ):
            await configured(database, old_receiver)
            session_id = (await Caller(http).create("Lisbon"))["id"]
            await Caller(http).delete(session_id)
            await new_receiver.wait_for(session_id)
            await old_receiver.wait_for(session_id)


async def test_deletions_are_delivered_while_redis_is_away(
    postgres: Postgres, settings: Settings, receiver: Receiver
) -> None:
    async with world(postgres, with_receiver(settings, receiver)) as deployment, deployment.callers("ada") as (ada, _):
        await configured(deployment.database, receiver)
        session_id = (await ada.create("Lisbon"))["id"]
        deployment.redis.kill()
        await ada.delete(session_id)
        await receiver.wait_for(session_id)


async def test_a_failed_measurement_does_not_stop_deliveries(
    settings: Settings, receiver: Receiver, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    async def fail(_queue: WebhookQueue) -> None:
        failed.set()
        raise RuntimeError

    monkeypatch.setattr(WebhookQueue, "backlog", fail)
    async with running(with_receiver(settings, receiver)) as worker, worker.client("ada") as http:
        await configured(database, receiver)
        await failed.wait()
        session_id = (await Caller(http).create("Lisbon"))["id"]
        await Caller(http).delete(session_id)
        await receiver.wait_for(session_id)


async def test_two_workers_deliver_each_deletion_once(
    settings: Settings, receiver: Receiver, database: asyncpg.Pool
) -> None:
    delivering = with_receiver(settings, receiver)
    async with running(delivering) as one, running(delivering), one.client("ada") as http:
        await configured(database, receiver)
        ada = Caller(http)
        created = [(await ada.create(str(number)))["id"] for number in range(20)]
        await asyncio.gather(*(ada.delete(each) for each in created))
        await receiver.wait_for(*created)
    assert Counter(each for received in receiver.attempts for each in received.session_ids) == Counter(created)


async def test_a_claimed_delivery_is_not_claimed_again_until_its_lease_expires(
    queue: WebhookQueue, database: asyncpg.Pool
) -> None:
    await queue.configure(["https://a.example"], ["session.deleted"])
    await database.execute("""INSERT INTO "ChatSession" ("userId", "id") VALUES ('ada', 'a')""")
    await database.execute('DELETE FROM "ChatSession"')
    [claimed] = await queue.claim("https://a.example", lease=3600, limit=10)
    assert await queue.claim("https://a.example", lease=3600, limit=10) == []
    left = await database.fetchval('SELECT "dueAt" - now() FROM "WebhookDelivery"')
    assert timedelta(minutes=50) < left <= timedelta(hours=1)
    await database.execute(WAIT_NO_LONGER)
    assert [each.id for each in await queue.claim("https://a.example", lease=3600, limit=10)] == [claimed.id]


async def test_a_long_backlog_of_one_user_is_claimed_in_time(postgres: Postgres, settings: Settings) -> None:
    # A separate database: its statistics would mislead the planner in other tests.
    own = settings.model_copy(update={"database_url": SecretStr(await migrated_database(postgres))})
    async with prisma_client(own) as prisma:
        await prisma.execute_raw(
            """INSERT INTO "WebhookDelivery" ("userId", "receiver", "event", "sessionIds")
               SELECT 'ada', 'https://a.example', 'session.updated', ARRAY[n::text] FROM generate_series(1, 20000) n"""
        )
        await prisma.execute_raw('ANALYZE "WebhookDelivery"')
        # Within the statement timeout.
        [claimed] = await WebhookQueue(prisma).claim("https://a.example", lease=60, limit=10)
    assert claimed.session_ids == ["1"]


async def test_a_receiver_that_was_removed_gets_no_further_deliveries(
    queue: WebhookQueue, database: asyncpg.Pool
) -> None:
    await queue.configure(["https://a.example", "https://b.example"], ["session.deleted"])
    await queue.configure(["https://b.example"], ["session.deleted"])
    await database.execute("""INSERT INTO "ChatSession" ("userId", "id") VALUES ('ada', 'a')""")
    await database.execute('DELETE FROM "ChatSession"')
    assert [each.receiver for each in await queue.backlog()] == ["https://b.example"]


async def test_a_private_address_is_refused(settings: Settings, receiver: Receiver, database: asyncpg.Pool) -> None:
    local = receiver.url.replace("127.0.0.1", "localhost")
    public = with_receiver(settings, receiver, webhook_url=(receiver.url, local), webhook_private=False)
    async with running(public) as worker, worker.client("ada") as http:
        await configured(database, receiver)
        session_id = (await Caller(http).create("Lisbon"))["id"]
        await Caller(http).delete(session_id)

        async def refused() -> bool:
            errors = await database.fetch('SELECT "error" FROM "WebhookDelivery" WHERE "error" LIKE $1', "%PRIVATE%")
            return len(errors) == 2

        await until(refused)
    assert receiver.attempts == []


async def test_the_receiver_of_the_guide_accepts_what_is_sent_and_nothing_else() -> None:
    [code] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    guide: dict[str, Any] = {}
    exec(code, guide)  # noqa: S102  ours
    [(session_id, _)] = guide["copies"].items()
    delivery = Delivery("1", "ada", "session.deleted", [session_id], datetime.now(UTC), 1)
    [secret] = re.findall(r'Webhook\("(.*?)"\)', code)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guide["app"]), base_url="http://receiver") as http:
        forged = message_of(delivery, [SECRET[:-4] + "AAAA"])
        assert (await http.post("/webhooks", content=forged.body, headers=forged.headers)).status_code == 401
        assert guide["copies"] != {}
        message = message_of(delivery, [secret])
        assert (await http.post("/webhooks", content=message.body, headers=message.headers)).status_code == 204
    assert guide["copies"] == {}


class TestOperators:
    """The command and doctor."""

    @pytest.fixture
    async def away(self, database: asyncpg.Pool) -> str:
        """An unreachable receiver with a delivery in its queue."""
        url = f"http://127.0.0.1:{free_port()}/webhooks"
        await database.execute('INSERT INTO "WebhookReceiver" VALUES ($1, $2)', url, ["session.deleted"])
        await database.execute("""INSERT INTO "ChatSession" ("userId", "id") VALUES ('ada', 'a')""")
        await database.execute('DELETE FROM "ChatSession"')
        await database.execute("""UPDATE "WebhookDelivery" SET "attempts" = 3, "error" = 'HTTP status 500',
            "createdAt" = now() - interval '1 hour', "dueAt" = now() + interval '1 hour'""")
        return url

    @pytest.fixture
    def given(self, away: str) -> dict[str, str]:
        return {"CHAT_WEBHOOK_URL": away, "CHAT_WEBHOOK_SECRET": SECRET, "CHAT_WEBHOOK_PRIVATE": "true"}

    @pytest.fixture
    def operator(self, settings: Settings) -> Operator:
        return Operator(settings)

    async def test_the_command_shows_the_backlog_and_its_error(
        self, operator: Operator, given: dict[str, str], away: str
    ) -> None:
        [line] = (await operator.succeed("webhooks", **given)).stdout.splitlines()
        assert line.startswith(f"{away}: 1 waiting, the oldest for 3,6")
        assert line.endswith("; up to 3 attempts; error: HTTP status 500")

    async def test_the_command_shows_a_configured_receiver_that_the_service_has_not_seen(
        self, operator: Operator, given: dict[str, str], away: str
    ) -> None:
        new = "http://127.0.0.1:1/new"
        shown = await operator.succeed("webhooks", **given | {"CHAT_WEBHOOK_URL": f"{away},{new}"})
        assert shown.stdout.splitlines()[1].startswith(f"{new}: new; nothing is queued until")

    async def test_a_retry_makes_every_delivery_due(
        self, operator: Operator, given: dict[str, str], database: asyncpg.Pool, away: str
    ) -> None:
        printed = await operator.succeed("webhooks", "--retry", **given)
        assert printed.stdout.startswith(f"{away}: 1 due now\n")
        assert await database.fetchval('SELECT count(*) FROM "WebhookDelivery" WHERE "dueAt" <= now()') == 1

    async def test_the_backlog_of_a_receiver_can_be_discarded(
        self, operator: Operator, given: dict[str, str], away: str
    ) -> None:
        printed = await operator.succeed("webhooks", "--discard", away, **given)
        assert printed.stdout.splitlines() == [f"{away}: 1 discarded", f"{away}: none waiting"]

    async def test_discarding_for_an_unknown_receiver_names_the_known_ones(
        self, operator: Operator, given: dict[str, str], away: str
    ) -> None:
        result = await operator.fail("webhooks", "--discard", "https://else.example", **given)
        assert f"Receivers: {away}." in result.output

    async def test_doctor_reports_an_unreachable_receiver_and_its_backlog(
        self, operator: Operator, given: dict[str, str], away: str
    ) -> None:
        found = json.loads((await operator.fail("doctor", "--json", **given)).stdout)
        details = {each["state"]: each["detail"] for each in found if each["check"] == "webhooks"}
        assert details["wrong"].startswith(f"{away} does not respond: cannot connect: Connect call failed")
        assert details["warning"].startswith(f"1 waiting for {away}, the oldest for 3,6")

    @pytest.mark.parametrize(
        ("variables", "complaint"),
        [
            ({"CHAT_WEBHOOK_URL": "https://a.example"}, "CHAT_WEBHOOK_SECRET: is required with CHAT_WEBHOOK_URL"),
            ({"CHAT_WEBHOOK_URL": "a.example"}, "CHAT_WEBHOOK_URL: must be URLs such as"),
            ({"CHAT_WEBHOOK_URL": "https://u:p@a.example"}, "CHAT_WEBHOOK_URL: must not contain a password"),
            ({"CHAT_WEBHOOK_SECRET": "secret"}, "CHAT_WEBHOOK_SECRET: must be whsec_"),
            (
                {"CHAT_WEBHOOK_URL": "http://a.example", "CHAT_WEBHOOK_SECRET": SECRET},
                "CHAT_WEBHOOK_PRIVATE: must be true for a receiver without https",
            ),
            ({"CHAT_WEBHOOK_EVENTS": "deleted"}, "CHAT_WEBHOOK_EVENTS: "),
        ],
        ids=["no secret", "no URL", "a password", "a bad secret", "no TLS", "an unknown event"],
    )
    def test_an_invalid_setting_is_named(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], complaint: str
    ) -> None:
        for variable in {**environment(settings), **variables}.items():
            monkeypatch.setenv(*variable)
        with pytest.raises(ConfigurationError, match=re.escape(complaint)):
            load_settings()


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
     "::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1"],
)  # fmt: skip
def test_a_private_address_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_an_internet_address_is_public() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


async def test_a_delete_with_webhooks_costs_one_statement(
    settings: Settings, receiver: Receiver, database: asyncpg.Pool
) -> None:
    # The worker does not sweep meanwhile.
    passive = with_receiver(settings, receiver).model_copy(update={"sweep_interval": 3600})
    async with running(passive) as worker, worker.client("ada") as http:
        await configured(database, receiver)
        session_id = (await Caller(http).create("Lisbon"))["id"]
        statements = counted(worker)
        await Caller(http).delete(session_id)
        sent = statements()
    [statement] = [each for each in sent if "WebhookDelivery" not in each and each not in TRANSACTION]
    assert statement.startswith('DELETE FROM "public"."ChatSession" WHERE ')


def test_receivers_on_one_host_share_a_series_of_metrics() -> None:
    urls = ("https://a.example/one?key=secret", "https://b.example/hook", "https://a.example/two")
    backlogs = [ReceiverBacklog(url, 1, 0.0, 0, None) for url in urls]
    assert by_host(backlogs) == {"a.example": [backlogs[0], backlogs[2]], "b.example": [backlogs[1]]}


async def test_metrics_count_deliveries_and_failures(ada: Caller, receiver: Receiver) -> None:
    receiver.handlers.append(fails)
    session_id = (await ada.create("Lisbon"))["id"]
    await ada.delete(session_id)
    await receiver.wait_for(session_id)

    async def counted_both() -> bool:
        page = await scrape(ada)
        return page.sum("chat_webhook_deliveries_total", result="delivered") == 1 and (
            page.sum("chat_webhook_deliveries_total", result="failed") == 1
        )

    await until(counted_both)
