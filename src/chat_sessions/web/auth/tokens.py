"""Verifies tokens, and mints them for development."""

from collections import OrderedDict
from collections.abc import Sequence
from time import time
from typing import Any, NamedTuple

import jwt

from chat_sessions.contract.user import MAX_USER_CHARACTERS, User, is_user
from chat_sessions.errors import Unauthorized
from chat_sessions.settings import Settings
from chat_sessions.web.auth.errors import rejecting
from chat_sessions.web.auth.keys import Key, KeySource

# Larger than any provider's tokens, and still cheap to decode: anybody can send one.
MAX_TOKEN_CHARACTERS = 8192
# About a kilobyte each; only verified tokens are cached, so strangers cannot fill the cache.
MAX_CACHED_TOKENS = 4096
# The year 9999: later dates overflow.
MAX_EXPIRY = 253_402_300_799


class _Verified(NamedTuple):
    user: User
    source: KeySource
    version: object

    def is_valid(self) -> bool:
        return self.version is self.source.version and time() < self.user.expires_at


class Authenticator:
    """Verifies tokens; the allowed algorithms come from the configuration, never from the token.

    A verification costs as much as the rest of a cached read, so its result is cached until the token expires or the
    keys change: it depends on nothing else.
    """

    def __init__(self, settings: Settings, *sources: KeySource) -> None:
        self._settings = settings
        self._sources: dict[str, KeySource] = {name: source for source in sources for name in source.algorithms}
        self._verified: OrderedDict[str, _Verified] = OrderedDict()

    async def user(self, token: str) -> User:
        """Return the token's user, or raise Unauthorized."""
        user = self.remembered(token)
        return await self._verify(token) if user is None else user

    def remembered(self, token: str) -> User | None:
        """Return the user of a token that was verified before and is still valid, or None."""
        verified = self._verified.get(token)
        if verified is None or not verified.is_valid():
            return None
        self._verified.move_to_end(token)
        return verified.user

    def _remember(self, token: str, user: User, source: KeySource) -> None:
        if source.version is not None:
            self._verified[token] = _Verified(user, source, source.version)
            self._verified.move_to_end(token)
        if len(self._verified) > MAX_CACHED_TOKENS:
            self._verified.popitem(last=False)

    async def _verify(self, token: str) -> User:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise Unauthorized(f"it is longer than {MAX_TOKEN_CHARACTERS} characters")
        with rejecting(token):
            header = jwt.get_unverified_header(token)
            source = self._source(header.get("alg"))
            keys = await self._candidates(source, header)
            claims = self._claims(token, keys)
            user, expires_at = claims["sub"], min(int(claims["exp"]), MAX_EXPIRY)
        if not is_user(user):
            raise Unauthorized(f"its sub is empty, longer than {MAX_USER_CHARACTERS} characters or not valid text")
        verified = User(id=user, expires_at=expires_at + self._settings.jwt_leeway)
        self._remember(token, verified, source)
        return verified

    def _source(self, algorithm: object) -> KeySource:
        source = self._sources.get(algorithm) if isinstance(algorithm, str) else None
        if source is None:
            raise Unauthorized(f"its algorithm is not {' or '.join(self._sources)}")
        return source

    async def _candidates(self, source: KeySource, header: dict[str, Any]) -> Sequence[Key]:
        keys = await source.candidates(header.get("kid"), header["alg"])
        if not keys:
            raise Unauthorized("its kid names no published key for its algorithm")
        return keys

    def _claims(self, token: str, keys: Sequence[Key]) -> dict[str, Any]:
        """Return the claims, verified with the first key that matches the signature."""
        for key in keys[:-1]:
            try:
                return self._decode(token, key)
            except jwt.InvalidSignatureError:
                continue
        return self._decode(token, keys[-1])

    def _decode(self, token: str, key: Key) -> dict[str, Any]:
        return jwt.decode(
            token,
            key.material,
            algorithms=key.algorithms,
            audience=self._settings.jwt_audience or None,
            issuer=self._settings.jwt_issuer or None,
            leeway=self._settings.jwt_leeway,
            options={"require": ["exp", "sub"], "verify_aud": bool(self._settings.jwt_audience)},
        )


def mint_token(secret: str, user: str, *, ttl: int, audience: str | None = None, issuer: str | None = None) -> str:
    """Return a user's HS256 token that expires in `ttl` seconds."""
    claims = {"sub": user, "exp": int(time()) + ttl, "aud": audience, "iss": issuer}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, "HS256")
