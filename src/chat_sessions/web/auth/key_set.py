"""The published keys of an identity provider: fetched when needed, kept while it is away."""

import asyncio
from collections.abc import Sequence
from math import ceil
from time import monotonic

import structlog

from chat_sessions.errors import Unavailable
from chat_sessions.web.auth.download import DownloadError, download
from chat_sessions.web.auth.keys import Key, UnusableSetError, published_keys

log = structlog.get_logger(__name__)

# However many tokens name a key that the set lacks, and however often the provider fails.
MIN_SECONDS_BETWEEN_FETCHES = 10.0
# A key takes about two kilobytes with its certificates.
MAX_SET_BYTES = 1024 * 1024


class KeySet:
    """The keys at a URL.

    A key that the provider withdraws stops working after `lifespan` seconds at the latest, as long as the
    provider can be reached. A response without a usable key counts as a failure: the last good keys stay.
    """

    def __init__(self, url: str, *, lifespan: float, timeout: float) -> None:
        self._url = url
        self._lifespan = lifespan
        self._timeout = timeout
        self._document = b""
        self._keys: tuple[Key, ...] = ()
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    @property
    def basis(self) -> object | None:
        """The keys as they were fetched last, while they are fresh."""
        return None if self._is_stale() else self._keys

    async def candidates(self, key_id: str | None, algorithm: str) -> Sequence[Key]:
        """Return the keys that the token's `kid` names, or all if it names none, as far as they fit its algorithm."""
        is_known = bool(self._named(key_id))
        if self._is_stale() or not is_known:
            await self._refresh(is_known=is_known)
        if not self._keys:
            detail = "The keys of the identity provider cannot be read right now; try again."
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
        """Return the whole seconds until another fetch may help, one at least."""
        return max(1, ceil(self._asked_at + MIN_SECONDS_BETWEEN_FETCHES - monotonic()))

    def _named(self, key_id: str | None) -> Sequence[Key]:
        return self._keys if key_id is None else [key for key in self._keys if key.id == key_id]

    async def _refresh(self, *, is_known: bool) -> None:
        """Fetch the keys unless that was tried a moment ago; one fetch serves all who wait, whoever of them leaves."""
        if self._fetching is not None:
            if is_known:
                return
        elif monotonic() - self._asked_at < MIN_SECONDS_BETWEEN_FETCHES:
            return
        else:
            self._asked_at = monotonic()
            self._fetching = asyncio.create_task(self._fetch())
        await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        try:
            self._take(await download(self._url, seconds=self._timeout, max_bytes=MAX_SET_BYTES))
        except (DownloadError, UnusableSetError) as error:
            log.warning("jwks.unavailable", reason=str(error), keys_kept=len(self._keys))
        finally:
            self._fetching = None

    def _take(self, document: bytes) -> None:
        # The same document leaves the same keys, and with them what was verified.
        if document != self._document:
            self._keys, ignored = published_keys(document)
            self._document = document
            if ignored:
                log.info("jwks.keys_ignored", keys=ignored)
        self._fetched_at = monotonic()
