"""Metrics of one worker, and of all workers of a host."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from chat_sessions.settings import MAX_SOCKET_FOLDER_BYTES, ConfigurationError, Settings, load_settings
from chat_sessions.telemetry.exposition import merge
from chat_sessions.telemetry.peers import worker_socket
from tests.databases import LOCK_SESSION
from tests.process import START_SECONDS, ServiceProcess, serving
from tests.scrape import Scrape, scrape
from tests.service import Caller, running, token
from tests.shell import ENGINE, WORKER, children
from tests.waiting import a_statement_waits, until

CONNECTIONS = "chat_database_connections"


async def shows(client: Caller | httpx.AsyncClient, condition: Callable[[Scrape], bool]) -> None:
    """Scrape until the metrics meet the condition."""

    async def as_expected() -> bool:
        return condition(await scrape(client))

    await until(as_expected)


@pytest.fixture
async def lean(settings: Settings) -> AsyncIterator[Caller]:
    """Ada on a worker with one connection to Postgres."""
    changes = {"database_pool_size": 1, "sweep_interval": 3600}
    async with running(settings.model_copy(update=changes)) as worker, worker.client("ada") as client:
        yield Caller(client)


class TestOneWorker:
    async def test_reports_its_version_and_no_worker(self, ada: Caller) -> None:
        (labels, value), *others = (await scrape(ada)).series("chat_build_info")
        assert (set(labels), value, others) == ({"version", "python"}, 1, [])

    async def test_counts_cache_reads_by_kind(self, ada: Caller) -> None:
        before = await scrape(ada)
        session_id = (await ada.create("Lisbon"))["id"]

        async def all_are_hits() -> bool:
            await ada.get(session_id)
            await ada.page()
            now = await scrape(ada)
            reads = {
                kind: now.sum("chat_cache_reads_total", kind=kind, result="hit")
                - before.sum("chat_cache_reads_total", kind=kind, result="hit")
                for kind in ("session", "list")
            }
            return all(reads.values())

        await until(all_are_hits)
        now = await scrape(ada)
        misses = {labels["kind"] for labels, value in now.series("chat_cache_reads_total", result="miss") if value}
        assert misses == {"session", "list", "total"}

    async def test_counts_how_long_appends_wait_for_the_lock(self, ada: Caller) -> None:
        before = (await scrape(ada)).sum("chat_lock_wait_seconds_count")
        await ada.append((await ada.create("Lisbon"))["id"], "hi")
        assert (await scrape(ada)).sum("chat_lock_wait_seconds_count") == before + 1

    async def test_shows_busy_connections_and_waiting_calls(self, lean: Caller, database: asyncpg.Pool) -> None:
        session_id = (await lean.create("Lisbon"))["id"]
        async with database.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_SESSION, session_id)
            calls = [asyncio.ensure_future(lean.change(session_id, title="Title"))]
            await until(lambda: a_statement_waits(database))
            # Calls of other users: those of one user queue before they request a connection.
            for user in ("bob", "eve"):
                headers = {"Authorization": f"Bearer {token(user)}"}
                calls.append(asyncio.ensure_future(lean.http.get("/api/chat/sessions", headers=headers)))
            # A background task may wait as well.
            await shows(lean, lambda now: now.sum("chat_database_connections_awaited") >= 2)
            await shows(lean, lambda now: [now.sum(CONNECTIONS, state=each) for each in ("busy", "idle")] == [1, 0])
            await shows(lean, lambda now: now.sum("chat_engine_calls_waiting") >= 3)
        assert [response.status_code for response in await asyncio.gather(*calls)] == [200] * 3
        await shows(lean, lambda now: now.sum(CONNECTIONS, state="idle") == 1)

    async def test_can_be_scraped_while_the_engine_hangs_or_is_dead(self, lean: Caller) -> None:
        await lean.page()
        engine = newest_engine()
        engine.suspend()
        try:
            hanging = await scrape(lean)
        finally:
            engine.resume()
        engine.kill()
        await shows(lean, lambda now: not list(now.series("chat_engine_process_resident_memory_bytes")))
        assert list(hanging.series(CONNECTIONS)) == []
        assert hanging.sum("chat_engine_process_resident_memory_bytes") > 0
        assert (await scrape(lean)).sum("chat_engine_restarts_total") == 0, "a scrape starts no engine"

    async def test_shows_the_event_loop_lag(self, ada: Caller) -> None:
        def late(scraped: Scrape) -> float:
            of = scraped.sum
            return of("chat_event_loop_lag_seconds_count") - of("chat_event_loop_lag_seconds_bucket", le="0.25")

        before = late(await scrape(ada))
        # This must never happen in the service.
        time.sleep(0.8)  # noqa: ASYNC251
        await shows(ada, lambda now: late(now) > before)

    async def test_shows_the_processes(self, ada: Caller) -> None:
        now = await scrape(ada)
        for name in ("process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total"):
            assert now.sum(name) > 0
            assert now.sum(f"chat_engine_{name}") > 0


def newest_engine() -> psutil.Process:
    return max(children(ENGINE), key=lambda each: each.create_time())


@pytest.fixture(scope="module")
async def process(settings: Settings) -> AsyncIterator[ServiceProcess]:
    async with serving(settings, workers=2) as process:
        async with httpx.AsyncClient(base_url=process.url) as client:
            await shows(client, lambda now: len(list(now.series("chat_build_info"))) == 2)
        yield process


class TestTwoWorkers:
    """A scrape may reach either of them."""

    @pytest.fixture
    async def client(self, process: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
        # A new connection for each call, so that both workers get some.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=process.url, limits=limits, timeout=30) as client:
            yield client

    async def test_appear_in_each_scrape_with_all_their_counts(self, client: httpx.AsyncClient) -> None:
        of_mine = {"name": "chat_http_requests_total", "route": "/api/chat/sessions", "status": "401"}
        sent = 0
        while len((await scrape(client)).by_worker(**of_mine)) < 2:
            responses = await asyncio.gather(*(client.get("/api/chat/sessions") for _ in range(20)))
            sent += len(responses)
        scraped = [await scrape(client) for _ in range(8)]
        assert [each.sum(**of_mine) for each in scraped] == [sent] * 8
        assert {each.sum("chat_workers_silent") for each in scraped} == {0}

    async def test_sum_their_gauges(self, process: ServiceProcess, client: httpx.AsyncClient) -> None:
        headers = {"Authorization": f"Bearer {token('ada')}"}
        streams = [httpx.AsyncClient(base_url=process.url, headers=headers, timeout=30) for _ in range(6)]
        for each in streams:
            await each.send(each.build_request("GET", "/api/chat/sessions/events"), stream=True)
        for _ in range(4):
            assert (await scrape(client)).sum("chat_feed_streams") == 6
        for each in streams:
            await each.aclose()
        await shows(client, lambda now: now.sum("chat_feed_streams") == 0)

    async def test_show_their_engines_and_memory(self, client: httpx.AsyncClient) -> None:
        now = await scrape(client)
        for name in ("process_resident_memory_bytes", "chat_engine_process_resident_memory_bytes", "chat_degraded"):
            assert set(now.by_worker(name)) == {"0", "1"}

    async def test_report_a_hanging_worker_and_leave_it_out(
        self, process: ServiceProcess, client: httpx.AsyncClient
    ) -> None:
        hanging = workers(process)[0]
        hanging.suspend()
        now = await scrape(client)
        with suppress(psutil.NoSuchProcess):
            hanging.resume()
        assert (len(now.by_worker("chat_build_info")), now.sum("chat_workers_silent")) == (1, 1)
        await shows(client, lambda now: len(now.by_worker("chat_build_info")) == 2)

    async def test_are_replaced_under_the_same_label_when_killed(
        self, process: ServiceProcess, client: httpx.AsyncClient
    ) -> None:
        killed = workers(process)[0]
        killed.kill()

        def replaced(now: Scrape) -> bool:
            return (
                killed.pid not in [each.pid for each in workers(process)] and len(now.by_worker("chat_degraded")) == 2
            )

        async def as_expected() -> bool:
            try:
                return replaced(await scrape(client))
            except httpx.TransportError:
                return False

        await until(as_expected, START_SECONDS)
        assert set((await scrape(client)).by_worker("chat_degraded")) == {"0", "1"}


def workers(process: ServiceProcess) -> list[psutil.Process]:
    return children(WORKER, process.process.pid)


async def test_workers_find_each_other_with_any_temporary_folder(settings: Settings, tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    async with (
        serving(settings, workers=2, TMPDIR=str(deep)) as process,
        httpx.AsyncClient(base_url=process.url) as client,
    ):
        await shows(client, lambda now: len(list(now.series("chat_build_info"))) == 2)


def test_a_folder_too_long_for_sockets_is_rejected_at_start(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    given = {"database_url": "postgresql://", "redis_url": "redis://", "jwt_secret": "x" * 32}
    with pytest.raises(ConfigurationError, match=r"^CHAT_METRICS_DIR: is too long for Unix sockets"):
        load_settings({**given, "metrics_dir": str(deep)})


@pytest.fixture
def longest_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        folder = Path(place, "x" * (MAX_SOCKET_FOLDER_BYTES - len(place) - 1))
        folder.mkdir()
        yield folder


async def test_the_longest_accepted_folder_works(longest_folder: Path) -> None:
    async def response(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with worker_socket(longest_folder, response) as own:
        assert own.path.is_socket()


def test_the_pages_of_several_workers_are_merged() -> None:
    first = b'# HELP a A.\n# TYPE a counter\na{w="0"} 1\n# HELP b B.\n# TYPE b gauge\n'
    second = b'# HELP b B.\n# TYPE b gauge\nb{w="1"} 3\n# HELP a A.\n# TYPE a counter\na{w="1"} 2\n'
    together = b'# HELP a A.\n# TYPE a counter\na{w="0"} 1\na{w="1"} 2\n# HELP b B.\n# TYPE b gauge\nb{w="1"} 3\n'
    assert merge([first, second]) == together
