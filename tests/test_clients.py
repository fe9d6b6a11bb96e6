"""Clients generated from the OpenAPI document compile in strict mode, and delete a chat on the real service.

The scripts are in tests/clients/. `make test` installs what most of them need; the others run with `make nightly`.
"""

import json
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.listening import on_a_socket
from tests.programs import run
from tests.service import Service, token

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / "tests" / "clients"
MODULES = CLIENTS / "node_modules"
BIN = Path(sys.executable).parent

GUIDE = ROOT / "docs" / "api.md"

needs_npm = pytest.mark.skipif(not MODULES.exists(), reason="`make test` installs the generators of tests/clients")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the document, the scripts and the packages, in which to generate a client."""
    for path in (ROOT / "openapi.json", *CLIENTS.iterdir()):
        if path.is_file():
            shutil.copy(path, tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)
    return tmp_path


@pytest.fixture
async def url(service: Service) -> AsyncIterator[str]:
    async with on_a_socket(service) as url:
        yield url


async def tool(folder: Path, name: str, *arguments: str) -> str:
    """Run a tool of tests/clients, without telemetry."""
    silent = {"CI": "1", "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    return await run(folder, str(MODULES / ".bin" / name), *arguments, **silent)


async def compile_and_run(folder: Path, script: str, url: str) -> str:
    """Compile a script and the generated client, and run the script."""
    sources = [f"{script}.ts", "generated/**/*.ts"]
    (folder / "project.json").write_text(json.dumps({"extends": "./tsconfig.json", "include": sources}))
    await tool(folder, "tsc", "--project", "project.json")
    return await run(folder, "node", f"built/{script}.js", API=url, TOKEN=token())


@needs_npm
async def test_a_client_of_openapi_fetch_deletes_a_chat(folder: Path, url: str) -> None:
    await tool(
        folder, "openapi-typescript", "openapi.json", "--default-non-nullable=false", "-o", "generated/schema.ts"
    )
    await compile_and_run(folder, "openapi-fetch", url)


def section(heading: str) -> str:
    """Return a section of the guide."""
    return GUIDE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]


def script_in(text: str) -> str:
    (script,) = re.findall(r"^```ts\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(script)


@needs_npm
async def test_the_client_of_the_guide_deletes_a_chat(folder: Path, url: str) -> None:
    guide = section("Generated clients")
    (command,) = re.findall(r"^npx (openapi-typescript http.*)$", guide, re.MULTILINE)
    name, *arguments = command.replace("http://127.0.0.1:8000", url).split()
    await tool(folder, name, *arguments)
    (folder / "delete-a-chat.ts").write_text(script_in(guide))
    printed = await compile_and_run(folder, "delete-a-chat", url)
    assert printed == "204 Session not found.\n"


@needs_npm
async def test_a_client_shaped_like_autogpts_works_with_the_adapter_of_the_guide(folder: Path, url: str) -> None:
    adapter = script_in(section("Coming from AutoGPT"))
    assert len(adapter.splitlines()) <= 30
    (folder / "adapter.ts").write_text(adapter)
    await compile_and_run(folder, "autogpt", url)


@needs_npm
async def test_a_client_of_hey_api_deletes_a_chat(folder: Path, url: str) -> None:
    await tool(folder, "openapi-ts", "--input", "openapi.json", "--output", "generated", "--no-log-file")
    await compile_and_run(folder, "hey-api", url)


async def test_a_client_of_openapi_python_client_deletes_a_chat(folder: Path, url: str) -> None:
    config = folder / "openapi-python-client.yaml"
    # Formatting is not under test.
    config.write_text(f"{config.read_text()}post_hooks: []\n")
    options = ["--path=openapi.json", "--output-path=generated", "--meta=none", f"--config={config}"]
    printed = await run(folder, str(BIN / "openapi-python-client"), "generate", "--fail-on-warning", *options)
    assert "warning" not in printed.lower()
    await run(folder, sys.executable, "openapi_python_client.py", API=url, TOKEN=token())
    # Checks all that the script imports, but not the event stream, which this generator reads as one text.
    await run(folder, sys.executable, "-m", "mypy", "--strict", "openapi_python_client.py")


@pytest.mark.nightly
@needs_npm
async def test_a_client_of_orval_deletes_a_chat(folder: Path, url: str) -> None:
    await tool(folder, "orval", "--config", "orval.config.mjs")
    await compile_and_run(folder, "orval", url)


@pytest.mark.nightly
@needs_npm
async def test_a_typescript_client_of_openapi_generator_deletes_a_chat(folder: Path, url: str) -> None:
    await generate(folder, "typescript-fetch", "generated", "--additional-properties=importFileExtension=.js")
    await compile_and_run(folder, "typescript-fetch", url)


@pytest.mark.nightly
async def test_a_python_client_of_openapi_generator_deletes_a_chat(folder: Path, url: str) -> None:
    await generate(folder, "python", "python")
    await run(folder, sys.executable, "openapi_generator.py", API=url, TOKEN=token(), PYTHONPATH="python")


async def generate(folder: Path, generator: str, output: str, *options: str) -> None:
    program = str(BIN / "openapi-generator-cli")
    await run(folder, program, "generate", "-i", "openapi.json", "-g", generator, "-o", output, *options)


@pytest.mark.nightly
@needs_npm
async def test_redocly_finds_no_error(folder: Path) -> None:
    await tool(folder, "redocly", "lint", "--extends=recommended", "openapi.json")


@pytest.mark.nightly
@needs_npm
async def test_spectral_finds_no_error(folder: Path) -> None:
    (folder / ".spectral.yaml").write_text("extends: [[spectral:oas, recommended]]")
    await tool(folder, "spectral", "lint", "--fail-severity=error", "openapi.json")
