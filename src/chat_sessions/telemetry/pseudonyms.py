"""Pseudonyms of users for logs and traces: stable, and not reversible without the key."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2s

from pydantic import SecretStr

# 48 bits: enough to tell a million users apart.
NAME_BYTES = 6


def pseudonyms(key: SecretStr) -> Callable[[str], str]:
    """Return a function from user to pseudonym; keyed, so that nobody can test guesses without the key."""
    digested_key = blake2s(key.get_secret_value().encode()).digest()

    @lru_cache(maxsize=4096)
    def pseudonym_of(user: str) -> str:
        return blake2s(user.encode(), key=digested_key, digest_size=NAME_BYTES, person=b"log user").hexdigest()

    return pseudonym_of
