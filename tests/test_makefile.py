"""The Makefile before anything of this project is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"
UNSUITABLE = "#!/bin/sh\nexit 1\n"
# It creates a virtual environment whose pip installs nothing.
SUITABLE = """#!/bin/sh
[ "$1" = -c ] && exit 0
mkdir -p .venv/bin
printf '#!/bin/sh\\n' > .venv/bin/pip
chmod +x .venv/bin/pip
echo "$(basename "$0") made it"
"""

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    shutil.copy(MAKEFILE, folder)
    (folder / "pyproject.toml").write_text('"uv==1"\n')
    return folder


def make(folder: Path, *arguments: str, pythons: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run make with only these Pythons on the path."""
    programs = folder.parent / "bin"
    programs.mkdir()
    for tool in ("bash", "basename", "chmod", "cat", "expand", "find", "grep", "mkdir", "rm", "sed", "sh"):
        found = shutil.which(tool)
        assert found
        (programs / tool).symlink_to(found)
    for name, script in (pythons or {}).items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    command = [shutil.which("make") or "", "-C", str(folder), *arguments]
    environment = {"PATH": str(programs), "LANG": "C"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  our own


def test_a_newer_python_is_used_where_python3_is_too_old(folder: Path) -> None:
    pythons = {"python3": UNSUITABLE, "python3.12": SUITABLE, "python3.11": SUITABLE}
    done = make(folder, ".venv/bin/uv", pythons=pythons)
    assert "python3.12 made it" in done.stdout
    assert done.returncode == 0, done.stderr


def test_without_a_suitable_python_the_error_names_the_versions(folder: Path) -> None:
    done = make(folder, ".venv/bin/uv", pythons={"python3": UNSUITABLE})
    assert done.returncode == 2
    assert "chat-sessions needs Python 3.11 to 3.14, with venv" in done.stderr


def test_an_explicit_python_is_the_only_one_tried(folder: Path) -> None:
    pythons = {"python3": UNSUITABLE, "python3.12": SUITABLE}
    assert make(folder, ".venv/bin/uv", "PYTHON=python3", pythons=pythons).returncode == 2


@pytest.mark.parametrize(
    ("maker", "remains"),
    [("python3 -m venv {elsewhere}/.venv", False), ("python3 -m venv {here}/.venv", True), (None, True)],
    ids=["moved", "made here", "made by another tool"],
)
def test_a_moved_virtual_environment_is_recreated(maker: str | None, remains: bool, folder: Path) -> None:
    environment = folder / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to("/bin/sh")
    places = {"here": folder, "elsewhere": folder.parent}
    (environment / "pyvenv.cfg").write_text(f"command = {maker.format(**places)}\n" if maker else "uv = 1\n")
    done = make(folder, "help")
    assert done.returncode == 0, done.stderr
    assert environment.exists() == remains
    assert ("This folder has moved" in done.stdout) != remains


def test_a_virtual_environment_without_its_python_is_recreated(folder: Path) -> None:
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    (folder / ".venv" / "pyvenv.cfg").write_text(f"command = python3 -m venv {folder}/.venv\n")
    assert "or its Python has" in make(folder, "help").stdout
    assert not (folder / ".venv").exists()
