"""`make install` needs no compiler: every package has a wheel for every supported machine."""

import tomllib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

LOCK = Path(__file__).parents[1] / "uv.lock"
GROUPS = ("dev", "node")
# glibc 2.28: Debian 10, Ubuntu 20.04, Fedora 29 and newer.
GLIBC = 28
MACOS = (14, 0)
LEGACY = ("manylinux2014", "manylinux2010", "manylinux1")

Locked = Mapping[str, Any]


class Machine(NamedTuple):
    """A machine on which `make install` runs."""

    python: tuple[int, int]
    system: str
    processor: str

    @property
    def environment(self) -> dict[str, str]:
        version = ".".join(map(str, self.python))
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.processor,
            "platform_python_implementation": "CPython",
            "platform_system": self.system,
            "python_full_version": f"{version}.0",
            "python_version": version,
            "sys_platform": self.system.lower(),
            "extra": "",
        }

    @property
    def tags(self) -> frozenset[Tag]:
        return frozenset(
            chain(
                cpython_tags(self.python, platforms=self._platforms),
                compatible_tags(self.python, f"cp{self.python[0]}{self.python[1]}", self._platforms),
            )
        )

    @property
    def _platforms(self) -> list[str]:
        if self.system == "Darwin":
            return list(mac_platforms(MACOS, self.processor))
        numbered = [f"manylinux_2_{minor}" for minor in range(5, GLIBC + 1)]
        return [f"{each}_{self.processor}" for each in (*numbered, *LEGACY)]


PYTHONS = [(3, 11), (3, 12), (3, 13), (3, 14)]
SYSTEMS = [("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")]


@pytest.fixture(scope="module")
def packages() -> list[Locked]:
    return tomllib.loads(LOCK.read_text())["package"]  # type: ignore[no-any-return]


def installed(packages: list[Locked], machine: Machine) -> Iterator[Locked]:
    """Resolve this project's dependencies as uv does."""
    [project] = [each for each in packages if each["source"].get("editable") == "."]
    waiting = [*project["dependencies"], *chain.from_iterable(project["dev-dependencies"][each] for each in GROUPS)]
    seen: list[Locked] = []
    while waiting:
        wanted = waiting.pop()
        if "marker" in wanted and not Marker(wanted["marker"]).evaluate(machine.environment):
            continue
        package = found(packages, wanted)
        extras = chain.from_iterable(package["optional-dependencies"][each] for each in wanted.get("extra", ()))
        waiting += extras
        if package not in seen:
            seen.append(package)
            waiting += package.get("dependencies", ())
            # Those of this repository are pure Python.
            if "editable" not in package["source"]:
                yield package


def found(packages: list[Locked], wanted: Locked) -> Locked:
    """Return the only package of this name, or the version that the dependency selects."""
    [one] = [
        each
        for each in packages
        if each["name"] == wanted["name"] and wanted.get("version", each["version"]) == each["version"]
    ]
    return one


def without_wheel(packages: list[Locked], machine: Machine) -> list[str]:
    wanted = list(installed(packages, machine))
    assert len(wanted) > 80
    tags = machine.tags
    return [each["name"] for each in wanted if not any(tags & fits for fits in wheels(each))]


def wheels(package: Locked) -> Iterator[frozenset[Tag]]:
    for wheel in package.get("wheels", ()):
        yield parse_wheel_filename(wheel["url"].rpartition("/")[2])[3]


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: f"3.{python[1]}")
@pytest.mark.parametrize(("system", "processor"), SYSTEMS)
def test_no_package_needs_a_compiler(
    python: tuple[int, int], system: str, processor: str, packages: list[Locked]
) -> None:
    assert without_wheel(packages, Machine(python, system, processor)) == []


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: f"3.{python[1]}")
def test_only_two_packages_need_a_compiler_on_an_intel_mac(python: tuple[int, int], packages: list[Locked]) -> None:
    assert set(without_wheel(packages, Machine(python, "Darwin", "x86_64"))) == {"cryptography", "lazy-object-proxy"}
