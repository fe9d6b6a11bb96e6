"""The adapters of clients/ work with the real packages on the real service."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.listening import on_a_socket
from tests.programs import run
from tests.service import SECRET, Service

CLIENTS = Path(__file__).parents[1] / "clients"
VITEST = CLIENTS / "node_modules" / ".bin" / "vitest"

# `make install` puts Node there if the machine has none that fits.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

needs_npm = pytest.mark.skipif(not VITEST.exists(), reason="`make test` installs the packages of clients/")


@pytest.fixture
async def url(service: Service) -> AsyncIterator[str]:
    async with on_a_socket(service) as url:
        yield url


@needs_npm
async def test_the_adapters_pass_their_tests(url: str) -> None:
    await run(CLIENTS, str(VITEST), "run", API=url, SECRET=SECRET, PATH=PATH)
