"""Entity tags (RFC 9110, 8.8.3): ETags of versions and bodies, and how conditional headers match them."""

import re
from collections.abc import Sequence
from hashlib import blake2b

# Proxies that compress a response weaken its tag (nginx, Cloudflare) or extend it (Apache, Caddy). Neither changes the
# version of the session, which is all that we compare.
_ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*?)(?:-(?:gzip|br|zstd|deflate))?"')
# The largest bigint in Postgres; no version exceeds it.
MAX_VERSION = 2**63 - 1


def of_version(version: int) -> str:
    """Return the ETag of any response that shows a session in this version."""
    return f'"{version:x}"'


def of_body(body: bytes) -> str:
    """Return the ETag of a response that has no version."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def of_compressed(etag: str) -> str:
    """Return the ETag of a response that is compressed with gzip."""
    return f'{etag[:-1]}-gzip"'


def matches(if_none_match: str, etag: str) -> bool:
    """Return whether If-None-Match matches the ETag, by weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match.strip() in {"*", etag}:
        return True
    return any(f'"{tag}"' == etag for tag in _ENTITY_TAG.findall(if_none_match))


def versions(if_match: str | None) -> Sequence[int] | None:
    """Return the versions that If-Match accepts, or None if it accepts any; foreign tags match nothing."""
    if if_match is None or if_match.strip() == "*":
        return None
    return [version for tag in _ENTITY_TAG.findall(if_match) if (version := _version(tag)) is not None]


def _version(tag: str) -> int | None:
    if not re.fullmatch(r"[0-9a-f]{1,16}", tag):
        return None
    version = int(tag, 16)
    return version if version <= MAX_VERSION else None
