"""Commands as Redis receives them. redis-py's asyncio client would take eight times as long to pack them."""

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any, Literal, get_args

import hiredis

ScriptName = Literal["read", "fill", "evict", "reset", "since", "last", "admit", "lock", "unlock"]


def packed(*words: str | bytes | int) -> bytes:
    """Return a command."""
    command: Any = words
    return bytes(hiredis.pack_command(command))


def packed_script(name: ScriptName, keys: Sequence[str], args: Iterable[str | bytes | int]) -> bytes:
    """Return the command that runs a script of `lua/`."""
    return packed("EVALSHA", _digest(name), len(keys), *keys, *args)


def scripts() -> list[str]:
    """Return the texts of all scripts."""
    return [_text(name) for name in get_args(ScriptName)]


@cache
def _text(name: ScriptName) -> str:
    return files("chat_sessions.cache.redis").joinpath("lua", f"{name}.lua").read_text()


@cache
def _digest(name: ScriptName) -> str:
    return sha1(_text(name).encode(), usedforsecurity=False).hexdigest()
