"""The data layer of Chainlit, which needs other versions of packages: `make nightly` installs it separately."""

import sys
from pathlib import Path

import pytest

from tests.examples import examples
from tests.programs import run
from tests.service import SECRET
from tests.test_clients import CLIENTS, ROOT

PYTHON = ROOT / ".cache" / "chainlit" / "bin" / "python"
ADAPTER = ROOT / "clients" / "python" / "src" / "chat_sessions_client"

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(not PYTHON.exists(), reason="`make nightly` installs Chainlit"),
]


async def test_chainlit_stores_its_threads_in_the_service(tmp_path: Path, service_url: str) -> None:
    [example] = examples("chainlit.md")
    (tmp_path / "example.py").write_text(example.replace("http://127.0.0.1:8000", service_url))
    script = (CLIENTS / "chainlit_threads.py").read_text()
    (tmp_path / "chainlit_threads.py").write_text(script)
    await run(tmp_path, str(PYTHON), "chainlit_threads.py", API=service_url, SECRET=SECRET)


async def test_the_adapter_type_checks_against_chainlit(tmp_path: Path) -> None:
    modules = [str(path) for path in ADAPTER.glob("chainlit*.py")]
    settings = f"--config-file={ROOT / 'pyproject.toml'}"
    await run(tmp_path, sys.executable, "-m", "mypy", settings, f"--python-executable={PYTHON}", *modules)
