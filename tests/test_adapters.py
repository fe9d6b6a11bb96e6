"""The adapters of clients/ work with the real packages on the real service."""

import os
import sys
from pathlib import Path

import pytest

from tests.programs import run
from tests.service import SECRET

CLIENTS = Path(__file__).parents[1] / "clients"
VITEST = CLIENTS / "node_modules" / ".bin" / "vitest"
# `make install` puts Node there if the machine has no suitable version.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.mark.skipif(not VITEST.exists(), reason="`make test` installs the packages of clients/")
async def test_the_adapters_pass_their_tests(service_url: str) -> None:
    await run(CLIENTS, str(VITEST), "run", API=service_url, SECRET=SECRET, PATH=PATH)
