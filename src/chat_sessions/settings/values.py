"""The types of settings that need a check of their own."""

import os
import re
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, DirectoryPath, IPvAnyNetwork, SecretStr
from pydantic_settings import NoDecode

from chat_sessions.settings.origins import check_origins
from chat_sessions.settings.passwords import check_password
from chat_sessions.settings.redis_address import RedisAddress

# RFC 7518, 3.2: an HS256 key is at least as long as the hash.
MIN_SECRET_BYTES = 32
MIN_KEY_BYTES = 16

# The path of a Unix socket has at most 103 bytes on macOS and 107 on Linux; file names take up to ten.
MAX_SOCKET_FOLDER_BYTES = 93

# Used unescaped in links and HTML. It starts with a single slash: with two, it would name another host.
PREFIX = r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+"

POSTGRES_SCHEMES = ("postgresql://", "postgres://")


def check_database_url(url: str) -> None:
    """Raise ValueError unless the URL is one of Postgres with an encoded password."""
    if not url.startswith(POSTGRES_SCHEMES):
        raise ValueError(f"must start with {' or '.join(POSTGRES_SCHEMES)}")
    check_password(url)


def _checking(check: Callable[[str], object]) -> Callable[[SecretStr], SecretStr]:
    """Return a validator of a secret."""

    def validate(secret: SecretStr) -> SecretStr:
        check(secret.get_secret_value())
        return secret

    return validate


def check_length(secret: str, minimum: int) -> None:
    """Raise ValueError unless the secret has that many bytes."""
    if len(secret.encode()) < minimum:
        raise ValueError(f"must have at least {minimum} bytes; generate one with `openssl rand -hex 32`")


def _at_least(minimum: int) -> AfterValidator:
    return AfterValidator(_checking(partial(check_length, minimum=minimum)))


def _fits_sockets(folder: Path) -> Path:
    if len(os.fsencode(folder)) > MAX_SOCKET_FOLDER_BYTES:
        raise ValueError(f"is too long for Unix sockets; use a path of at most {MAX_SOCKET_FOLDER_BYTES} bytes")
    return folder


def split_at_commas(value: object) -> object:
    """Split a string, which is how the environment gives a list."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _check_prefix(path: str) -> str:
    prefix = path.rstrip("/")
    if prefix and not re.fullmatch(PREFIX, prefix):
        raise ValueError("must be a path such as /chat")
    return prefix


DatabaseUrl = Annotated[SecretStr, AfterValidator(_checking(check_database_url))]
RedisUrl = Annotated[SecretStr, AfterValidator(_checking(RedisAddress.parse))]
JwtSecret = Annotated[SecretStr, _at_least(MIN_SECRET_BYTES)]
LogUserKey = Annotated[SecretStr, _at_least(MIN_KEY_BYTES)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_at_commas)]
RootPath = Annotated[str, AfterValidator(_check_prefix)]
Network = IPv4Network | IPv6Network
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(split_at_commas)]
SocketFolder = Annotated[DirectoryPath, AfterValidator(_fits_sockets)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_at_commas), AfterValidator(check_origins)]
