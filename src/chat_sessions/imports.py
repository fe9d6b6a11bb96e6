"""Avoids importing packages that libraries import but the service never uses.

Together they would take an eighth of a worker's start, and 9 MB.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType


class Hollow(ModuleType):
    """Stands in for a package that the library requires: each of its names is a class that does nothing."""

    def __getattr__(self, name: str) -> type:
        """Return a class for any name."""
        return type(name, (), {"__init__": lambda *_, **__: None})


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """During the block, importing these optional packages fails, as if they were not installed."""
    with _replacing(dict.fromkeys(packages)):
        yield


@contextmanager
def hollowing(*packages: str) -> Iterator[None]:
    """During the block, importing these packages yields hollow modules."""
    with _replacing({name: Hollow(name) for name in packages}):
        yield


@contextmanager
def _replacing(packages: Mapping[str, ModuleType | None]) -> Iterator[None]:
    # Packages that are loaded already cost nothing more.
    missing = {name: module for name, module in packages.items() if name not in sys.modules}
    sys.modules.update(missing)  # type: ignore[arg-type] # None forbids an import
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
