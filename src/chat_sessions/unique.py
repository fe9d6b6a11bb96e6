"""Unique names that need not be secret."""

import os
from random import Random

_random = Random()  # noqa: S311  guessing a name gains nothing
# A child would repeat its parent's names.
os.register_at_fork(after_in_child=_random.seed)


def unique_name() -> str:
    """Return 128 random bits in hex. `secrets` makes a system call for each name, which takes 5 µs."""
    return f"{_random.getrandbits(128):032x}"
