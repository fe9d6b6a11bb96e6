"""Rules of the repository."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from chat_sessions.settings import Settings
from chat_sessions.settings.environment import DEFAULT_PORT

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PYTHON_CLIENT = ROOT / "clients" / "python"
PACKAGES = (ROOT / "src" / "chat_sessions", PYTHON_CLIENT / "src" / "chat_sessions_client")
MODULES = sorted(module for package in PACKAGES for module in package.rglob("*.py"))
MAX_LINES = 250
FOLDERS = (
    "",
    "docs",
    "docs/decisions",
    "monitoring",
    "deploy",
    "frontend",
    "clients/ai-sdk",
    "clients/assistant-ui",
    "clients/python",
)
PAGES = [page for folder in FOLDERS for page in sorted((ROOT / folder).glob("*.md"))]
SOURCES = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("src/**/*", "clients/**/*", "tests/**/*", "benchmarks/**/*", "engine/*.mjs", "engine/test/*")
    for path in ROOT.glob(pattern)
    if "node_modules" not in path.parts
]
# In AutoGPT's repository.
ELSEWHERE = "autogpt_platform/"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def name(module: Path) -> str:
    return str(module.relative_to(ROOT))


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(setting: str) -> None:
    table = (ROOT / "docs" / "operations.md").read_text()
    (cell,) = re.findall(rf"^\| `CHAT_{setting.upper()}` \| (.*?) \| .+ \|$", table, re.MULTILINE)
    assert re.findall("`(.+)`", cell) == documented_default(setting)


def documented_default(setting: str) -> list[str]:
    """Return the default as the table shows it: nothing if it is required, computed or empty."""
    if setting == "port":
        return [DEFAULT_PORT]
    default = Settings.model_fields[setting].default
    if default in {PydanticUndefined, None, ()}:
        return []
    if isinstance(default, bool):
        return [str(default).lower()]
    return [",".join(default)] if isinstance(default, tuple) else [str(default)]


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_has_a_description(setting: str) -> None:
    assert Settings.model_fields[setting].description


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_an_unknown_setting(page: Path) -> None:
    known = {f"CHAT_{setting.upper()}" for setting in Settings.model_fields}
    named = set(re.findall(r"CHAT_[A-Z_]*[A-Z]", page.read_text()))
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_in_the_documentation_is_broken(page: Path) -> None:
    links = re.findall(r"(?:\]\(|src=\")([^)\s\"]+)", page.read_text())
    assert [each for each in links if "://" not in each and not resolves(page, each)] == []


def resolves(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub generates for the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_source_file_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`([\w/.-]+\.(?:py|mjs|lua))`", page.read_text())
    assert [each for each in named if not each.startswith(ELSEWHERE) and not exists(each)] == []


def exists(ending: str) -> bool:
    """Return whether the path of a source file has this ending."""
    return any(f"/{path}".endswith(f"/{ending}") for path in SOURCES)


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_module_is_longer_than_the_limit(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_every_module_opens_with_a_sentence(module: Path) -> None:
    first, *rest = (ast.get_docstring(ast.parse(module.read_text())) or "").split("\n")
    assert re.fullmatch(r"[A-Z`]\S*( \S+){2,}\.", first), first
    assert rest[:1] in ([], [""]), "an empty line must follow"


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(  # noqa: S603  our own command
        [BIN / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_ignored_rule_has_a_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    rules = {rule for ignored in per_section() for rule in ignored}
    for rule in rules:
        assert any(f'"{rule}"' in line and "#" in line for line in lines), rule


def per_section() -> list[list[str]]:
    lint = PYPROJECT["tool"]["ruff"]["lint"]
    return [lint["ignore"], *lint["per-file-ignores"].values()]


def test_all_packages_are_built_with_the_installed_uv() -> None:
    client = tomllib.loads((PYTHON_CLIENT / "pyproject.toml").read_text())
    [builder] = PYPROJECT["build-system"]["requires"]
    assert client["build-system"]["requires"] == [builder]
    assert builder.replace("uv_build", "uv") in PYPROJECT["dependency-groups"]["dev"]


def test_every_dependency_is_locked() -> None:
    locked = {package["name"] for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    groups = PYPROJECT["dependency-groups"].values()
    wanted = [*PYPROJECT["project"]["dependencies"], *(each for group in groups for each in group)]
    names = {each.partition(">")[0].partition("=")[0].partition("[")[0] for each in wanted if isinstance(each, str)}
    assert names <= locked
