"""The JWK set of an identity provider: fetched on demand, kept while the provider is down."""

import asyncio
from collections.abc import Sequence
from math import ceil
from time import monotonic

import structlog

from chat_sessions.errors import Unavailable
from chat_sessions.settings import PUBLISHED_ALGORITHMS, Algorithm
from chat_sessions.web.auth.download import DownloadError, download
from chat_sessions.web.auth.keys import Key, UnusableSetError, published_keys

log = structlog.get_logger(__name__)

# No matter how many tokens name an unknown key, or how often a fetch fails.
MIN_SECONDS_BETWEEN_FETCHES = 10.0
# A key with its certificates takes about two kilobytes.
MAX_SET_BYTES = 1024 * 1024
FETCH_TIMEOUT = 3.0


class KeySet:
    """The keys at a URL.

    A revoked key stops working within `lifespan` seconds, as long as the provider responds. A response without a usable
    key counts as a failure and leaves the last good keys in place.
    """

    def __init__(self, url: str, *, lifespan: float, timeout: float = FETCH_TIMEOUT) -> None:
        self.algorithms: Sequence[Algorithm] = PUBLISHED_ALGORITHMS
        self._url = url
        self._lifespan = lifespan
        self._timeout = timeout
        self._document = b""
        self._keys: tuple[Key, ...] = ()
        self._fetched_at = float("-inf")
        self._attempted_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    @property
    def version(self) -> object | None:
        """The last fetched keys while they are fresh."""
        return None if self._is_stale() else self._keys

    async def candidates(self, key_id: str | None, algorithm: str) -> Sequence[Key]:
        """Return the keys that support the algorithm and match the `kid`; a key without an id matches any."""
        is_known = self._knows(key_id)
        if self._is_stale() or not is_known:
            await self._refresh(is_known=is_known)
        if not self._keys:
            detail = "The identity provider's keys are unavailable. Try again."
            raise Unavailable(detail, retry_after=self._next_fetch_in())
        return [key for key in self._named(key_id) if algorithm in key.algorithms]

    async def close(self) -> None:
        """Stop fetching."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _is_stale(self) -> bool:
        return monotonic() - self._fetched_at > self._lifespan

    def _next_fetch_in(self) -> int:
        """Return the seconds until the next fetch, rounded up, at least 1."""
        return max(1, ceil(self._attempted_at + MIN_SECONDS_BETWEEN_FETCHES - monotonic()))

    def _knows(self, key_id: str | None) -> bool:
        ids = {key.id for key in self._keys}
        # Without ids in the set, fetching it again would find none either.
        return bool(ids) and (key_id is None or key_id in ids or ids == {None})

    def _named(self, key_id: str | None) -> Sequence[Key]:
        return self._keys if key_id is None else [key for key in self._keys if key.id in {None, key_id}]

    async def _refresh(self, *, is_known: bool) -> None:
        """Fetch the keys, at most once per MIN_SECONDS_BETWEEN_FETCHES; concurrent callers share one fetch."""
        if self._fetching is not None:
            if is_known:
                return
        elif monotonic() - self._attempted_at < MIN_SECONDS_BETWEEN_FETCHES:
            return
        else:
            self._attempted_at = monotonic()
            self._fetching = asyncio.create_task(self._fetch())
        # Shielded: a caller that disconnects must not cancel the others' fetch.
        await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        try:
            self._update(await download(self._url, timeout=self._timeout, max_bytes=MAX_SET_BYTES))
        except (DownloadError, UnusableSetError) as error:
            log.warning("jwks.unavailable", reason=str(error), keys_kept=len(self._keys))
        finally:
            self._fetching = None

    def _update(self, document: bytes) -> None:
        # An unchanged document keeps the version, and with it the cached verifications.
        if document != self._document:
            self._keys, ignored = published_keys(document)
            self._document = document
            if ignored:
                log.info("jwks.keys_ignored", keys=ignored)
        self._fetched_at = monotonic()
