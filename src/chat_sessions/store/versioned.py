"""Results that belong to one version of a session."""

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Versioned(NamedTuple, Generic[T]):
    """A result and the version of its session."""

    value: T
    version: int
