"""`make dev`: the service with its own servers."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from chat_sessions.app import create_app
from chat_sessions.dev.embedded.machine import free_port, is_free
from chat_sessions.settings import Settings
from tests.process import START_SECONDS
from tests.service import Caller, Service
from tests.shell import family, finished, has_ended, started
from tests.waiting import until

DEV = "chat_sessions.dev"


@dataclass
class Dev:
    """A running `make dev`."""

    pid: int
    port: int
    folder: Path
    demo: Caller
    members: list[psutil.Process]

    async def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """Press Ctrl-C or send another signal, and wait until all its processes have ended."""
        self.members = family(self.pid)
        psutil.Process(self.pid).send_signal(how)

        async def all_ended() -> bool:
            return all(has_ended(each) for each in self.members)

        await until(all_ended)

    def output(self) -> str:
        return (self.folder / "output").read_text()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Dev]:
    port = free_port()
    with (folder / "output").open("w+") as output:
        arguments = ("--port", str(port), "--data", str(folder / "data"))
        with started(*arguments, env={}, output=output, module=DEV) as process:

            async def is_ready() -> bool:
                assert process.poll() is None, (folder / "output").read_text()
                return "TOKEN=" in (folder / "output").read_text()

            await until(is_ready, START_SECONDS)
            token = re.findall(r"TOKEN=(\S+)", (folder / "output").read_text())[-1]
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
                caller = Caller(client)
                # It serves once it has printed the token: no error here is retried.
                await until(caller.is_fully_ready, START_SECONDS)
                yield Dev(process.pid, port, folder, caller, [])


def suggested_port(advice: str) -> int:
    """Return the port that an error suggests, with a folder named after it."""
    [(port, data)] = re.findall(r"`make dev PORT=(\d+) DATA=(\S+)`", advice)
    assert data == f".data-{port}"
    assert is_free(int(port))
    return int(port)


@pytest.fixture(scope="module")
async def dev(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dev]:
    async with running(tmp_path_factory.mktemp("dev")) as one:
        yield one


async def test_it_prints_a_token_for_a_user_with_sessions(dev: Dev) -> None:
    assert f"http://127.0.0.1:{dev.port}/docs" in dev.output()
    assert len(await dev.demo.titles()) > 3


async def test_it_reports_its_progress_while_it_starts(dev: Dev) -> None:
    steps = [line.partition(" in ")[0] for line in dev.output().splitlines()[:4]]
    assert steps == ["Starting Postgres", "Starting Redis", "Migrating the database", "Adding the demo chats"]


async def test_a_second_instance_reports_that_the_port_is_taken(dev: Dev, tmp_path: Path) -> None:
    done = await asyncio.to_thread(finished, "--port", str(dev.port), "--data", str(tmp_path), env={}, module=DEV)
    assert done.returncode == 1
    assert f"Port {dev.port} is taken" in done.stderr
    assert suggested_port(done.stderr) > dev.port
    assert "Traceback" not in done.stderr


async def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    data = tmp_path / "a file"
    data.touch()
    done = await asyncio.to_thread(finished, "--port", "0", "--data", str(data), env={}, module=DEV)
    assert done.returncode == 1
    assert done.stderr == f"Cannot use the folder {data}: Not a directory. Choose another: `make dev DATA=…`\n"


async def test_a_second_instance_on_the_same_data_names_the_first(dev: Dev) -> None:
    arguments = ("--port", "0", "--data", str(dev.folder / "data"))
    done = await asyncio.to_thread(finished, *arguments, env={}, module=DEV)
    assert done.returncode == 1
    assert "is in use" in done.stderr
    assert suggested_port(done.stderr) > 0
    assert "Traceback" not in done.stderr


async def test_dev_mints_a_token_for_any_user(dev: Dev) -> None:
    response = await dev.demo.http.post("/dev/token", json={"user": "somebody"})
    assert response.status_code == 200
    headers = {"Authorization": f"Bearer {response.json()['token']}"}
    page = await dev.demo.http.get("/api/chat/sessions", headers=headers)
    assert page.json()["sessions"] == []
    assert (await dev.demo.http.post("/dev/token", json={"user": ""})).status_code == 422
    assert "/dev/token" not in (await dev.demo.http.get("/openapi.json")).text


async def test_production_mints_no_tokens(service: Service, settings: Settings) -> None:
    async with service.client(None) as client:
        assert (await client.post("/dev/token", json={"user": "somebody"})).status_code == 404
    assert "token" not in " ".join(create_app(settings).openapi()["paths"])


async def test_sessions_and_deletions_survive_a_restart_and_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    async with running(tmp_path) as first:
        created = await first.demo.create("mine")
        [doomed, *_] = [each["id"] for each in (await first.demo.page()).json()["sessions"] if each["title"] != "mine"]
        assert (await first.demo.delete(doomed)).status_code == 204
        before = await first.demo.titles()
        await first.end()
        assert "The data is kept" in first.output()
        assert len(first.members) > 3
    async with running(tmp_path) as second:
        assert await second.demo.titles() == before
        assert (await second.demo.get(created["id"])).status_code == 200
        assert (await second.demo.get(doomed)).status_code == 404
        await second.end(signal.SIGTERM)
