"""Verifies tokens, and mints them for development."""

from collections import OrderedDict
from collections.abc import Sequence
from time import time
from typing import Any

import jwt

from chat_sessions.contract.storable import is_storable
from chat_sessions.contract.user import User
from chat_sessions.errors import Unauthorized
from chat_sessions.settings import Settings
from chat_sessions.web.auth.errors import rejecting
from chat_sessions.web.auth.keys import Key, KeySource

# Larger than any provider's tokens, and cheap to decode for a stranger's.
MAX_TOKEN_CHARACTERS = 8192
MAX_USER_CHARACTERS = 255
# About a kilobyte each; only verified tokens are cached, so strangers cannot fill the cache.
MAX_CACHED_TOKENS = 4096
# The year 9999: later dates overflow.
MAX_EXPIRY = 253_402_300_799


class Authenticator:
    """Verifies tokens; the allowed algorithms come from the configuration, never from the token.

    A verification costs as much as the rest of a cached read, so its result is cached until the token expires or the
    keys change: it depends on nothing else.
    """

    def __init__(self, settings: Settings, keys: KeySource) -> None:
        self._settings = settings
        self._keys = keys
        self._verified: OrderedDict[str, tuple[User, object]] = OrderedDict()

    async def user(self, token: str) -> User:
        """Return the token's user, or raise Unauthorized."""
        user = self.remembered(token)
        if user is None:
            user = await self._verify(token)
            self._remember(token, user)
        return user

    def remembered(self, token: str) -> User | None:
        """Return the user of a token that was verified before and is still valid, or None."""
        user, version = self._verified.get(token, (None, None))
        if user is None or version is not self._keys.version or time() >= user.expires_at:
            return None
        self._verified.move_to_end(token)
        return user

    def _remember(self, token: str, user: User) -> None:
        version = self._keys.version
        if version is not None:
            self._verified[token] = user, version
            self._verified.move_to_end(token)
        if len(self._verified) > MAX_CACHED_TOKENS:
            self._verified.popitem(last=False)

    async def _verify(self, token: str) -> User:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise Unauthorized(f"it is longer than {MAX_TOKEN_CHARACTERS} characters")
        with rejecting(token):
            keys = await self._candidates(jwt.get_unverified_header(token))
            claims = self._claims(token, keys)
            user, expires_at = claims["sub"], min(int(claims["exp"]), MAX_EXPIRY)
        if not 0 < len(user) <= MAX_USER_CHARACTERS or not is_storable(user):
            raise Unauthorized(f"its sub is empty, longer than {MAX_USER_CHARACTERS} characters or not valid text")
        return User(id=user, expires_at=expires_at + self._settings.jwt_leeway)

    async def _candidates(self, header: dict[str, Any]) -> Sequence[Key]:
        algorithm = header.get("alg")
        if algorithm not in self._settings.algorithms:
            raise Unauthorized(f"its algorithm is not {' or '.join(self._settings.algorithms)}")
        keys = await self._keys.candidates(header.get("kid"), algorithm)
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
            audience=self._settings.jwt_audience,
            issuer=self._settings.jwt_issuer,
            leeway=self._settings.jwt_leeway,
            options={"require": ["exp", "sub"], "verify_aud": self._settings.jwt_audience is not None},
        )


def mint_token(secret: str, user: str, *, ttl: int, audience: str | None = None, issuer: str | None = None) -> str:
    """Return a user's HS256 token that expires in `ttl` seconds."""
    claims = {"sub": user, "exp": int(time()) + ttl, "aud": audience, "iss": issuer}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, "HS256")
