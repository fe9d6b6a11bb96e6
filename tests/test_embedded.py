"""The embedded servers, on which `make dev` and the tests rely."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis import Redis as Client
from redis.exceptions import TimeoutError as RedisTimeoutError

from chat_sessions.dev.embedded import EmbeddedServerError, Postgres, Redis, Server, machine
from tests.waiting import LIMIT_SECONDS

SERVE = """
import sys, time
from pathlib import Path
from chat_sessions.dev.embedded import Postgres, Redis

with Postgres(Path(sys.argv[1], "postgres")) as database, Redis(Path(sys.argv[1], "redis")) as cache:
    print(database.url, database.pid, cache.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    with Postgres(tmp_path / "postgres", durable=False) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path / "redis", durable=False) as server:
        yield server


@contextmanager
def another_process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    command = [sys.executable, "-c", SERVE, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own command
        assert process.stdout
        try:
            yield process, process.stdout.readline().split()
        finally:
            process.kill()


async def query(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url, timeout=LIMIT_SECONDS)
    try:
        for statement in statements:
            response: object = await connection.fetchval(statement)
    finally:
        await connection.close()
    return response


def runs(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def soon(condition: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + LIMIT_SECONDS
    while not condition() and time.monotonic() < give_up_at:
        time.sleep(0.01)
    return condition()


async def test_rows_survive_a_stop_and_a_start(tmp_path: Path) -> None:
    for _ in range(2):
        with Postgres(tmp_path) as server:
            rows = await query(
                server.url,
                "CREATE TABLE IF NOT EXISTS run (at timestamptz)",
                "INSERT INTO run VALUES (now())",
                "SELECT count(*) FROM run",
            )
    assert rows == 2


async def test_a_committed_row_survives_a_crash_on_the_same_port(own_postgres: Postgres) -> None:
    await query(own_postgres.url, "CREATE TABLE kept AS SELECT 1 AS id")
    own_postgres.kill()
    with pytest.raises(OSError, match=r"refused|failed"):
        await query(own_postgres.url, "SELECT 1")
    own_postgres.start()
    assert await query(own_postgres.url, "SELECT id FROM kept") == 1


async def test_a_paused_postgres_holds_its_callers_and_responds_when_resumed(own_postgres: Postgres) -> None:
    own_postgres.pause()
    waiting = asyncio.ensure_future(query(own_postgres.url, "SELECT 42"))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    own_postgres.resume()
    assert done == set()
    assert await waiting == 42


async def test_postgres_ignores_the_case_of_letters_beyond_ascii(own_postgres: Postgres) -> None:
    assert await query(own_postgres.url, "SELECT 'ÉTÉ' ILIKE 'été'") is True


def test_redis_restarts_with_its_data_or_empty(own_redis: Redis) -> None:
    with Client.from_url(own_redis.url) as client:
        client.set("key", "value")
        own_redis.kill()
        own_redis.start()
        assert client.get("key") == b"value"
        own_redis.restart(keep_data=False)
        assert client.get("key") is None


def test_a_paused_redis_is_silent_until_it_is_resumed(own_redis: Redis) -> None:
    with (
        Client.from_url(own_redis.url) as client,
        Client.from_url(own_redis.url, socket_timeout=0.1, retry=None) as impatient,
    ):
        client.set("key", "value")
        own_redis.pause()
        with pytest.raises(RedisTimeoutError):
            impatient.get("key")
        own_redis.resume()
        assert client.get("key") == b"value"


@pytest.mark.parametrize("server", [Postgres, Redis])
def test_a_second_server_on_the_same_folder_names_the_first(
    server: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_sessions.dev.embedded.machine.LOCK_TIMEOUT", 0.1)
    with server(tmp_path), pytest.raises(EmbeddedServerError, match=rf"in use.* process {os.getpid()}"):
        server(tmp_path).__enter__()


@pytest.mark.parametrize("server", [Postgres, Redis])
def test_a_server_that_cannot_start_shows_its_log(server: type[Server], tmp_path: Path) -> None:
    with server(tmp_path / "first") as first:
        second = server(tmp_path / "second")
        second.port = first.port
        with pytest.raises(EmbeddedServerError, match="in use"):
            second.__enter__()
    assert second.pid is None


@pytest.mark.parametrize("server", [Postgres, Redis])
def test_only_the_owner_of_the_folder_can_read_the_password(server: type[Server], tmp_path: Path) -> None:
    home = tmp_path / "home"
    with server(home) as running:
        assert running.password not in " ".join(psutil.Process(running.pid).cmdline())
    assert {file.stat().st_mode & 0o077 for file in (home, home / "password")} == {0}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_nothing_outlives_the_process_that_started_it(end: signal.Signals, tmp_path: Path) -> None:
    with another_process(tmp_path) as (process, (url, *pids)):
        await query(url, "CREATE TABLE kept AS SELECT 1 AS id")
        family = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        assert set(map(int, pids)) < set(family)
        process.send_signal(end)
    assert soon(lambda: not any(map(runs, family)))
    with Postgres(tmp_path / "postgres") as server:
        assert await query(server.url, "SELECT id FROM kept") == 1


def test_a_misspelt_command_is_reported_before_any_server_starts(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chat_sessions.dev.embedded", "--", "pyhton", "-V"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "python -m chat_sessions.dev.embedded: error: there is no command pyhton"


def test_any_command_can_run_with_temporary_servers(tmp_path: Path) -> None:
    script = 'echo "$CHAT_DATABASE_URL $CHAT_REDIS_URL"; ls -A "$TMPDIR"; exit 3'
    command = [sys.executable, "-m", "chat_sessions.dev.embedded", "--", "sh", "-c", script]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert done.returncode == 3
    assert re.fullmatch(r"postgresql://\S+ redis://\S+\nchat-sessions-\w+\n", done.stdout)
    assert not list(tmp_path.iterdir())


def test_no_free_port_is_returned_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    each_twice = (number for number in range(1000) for _ in range(2))
    monkeypatch.setattr("secrets.randbelow", lambda _: next(each_twice))
    ports = [machine.free_port() for _ in range(3)]
    assert len(set(ports)) == 3
