"""The parameters of a soak."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Duration, load and faults; the same seed makes the same random choices."""

    seconds: float
    faults: Sequence[str]
    users: int = 24
    giants: int = 2
    giant_sessions: int = 100_000
    actions_per_second: float = 40
    calm_seconds: float = 8
    seed: int = 0
    name: str = "soak"
