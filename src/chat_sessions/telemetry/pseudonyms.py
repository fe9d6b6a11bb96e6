"""Names of users for logs and traces: always the same one for a user, and only the key tells whose it is."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2s

from pydantic import SecretStr

# 48 bits: enough to tell a million users apart.
NAME_BYTES = 6


def pseudonyms(key: SecretStr) -> Callable[[str], str]:
    """Return what names a user. Without the key nobody can try out whose name it might be."""
    digested_key = blake2s(key.get_secret_value().encode()).digest()

    @lru_cache(maxsize=4096)
    def name_of(user: str) -> str:
        return blake2s(user.encode(), key=digested_key, digest_size=NAME_BYTES, person=b"log user").hexdigest()

    return name_of
