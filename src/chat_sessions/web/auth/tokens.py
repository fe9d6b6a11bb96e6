"""Verifies tokens, and mints them for trying things out."""

from collections import OrderedDict
from collections.abc import Sequence
from time import time
from typing import Any

import jwt

from chat_sessions.contract.storable import is_storable
from chat_sessions.contract.user import User
from chat_sessions.errors import Unauthorized
from chat_sessions.settings import Settings
from chat_sessions.web.auth.keys import Key, KeySource
from chat_sessions.web.auth.refusals import refusing

# Larger than any token an identity provider mints, and small enough to be read by strangers for nothing.
MAX_TOKEN_CHARACTERS = 8192
MAX_USER_CHARACTERS = 255
# Verified ones, of about a kilobyte each: strangers cannot fill this.
MAX_REMEMBERED_TOKENS = 4096
# The end of the year 9999, beyond which dates and timers fail.
MAX_EXPIRY = 253_402_300_799


class Authenticator:
    """Verifies tokens with the keys of one source; the configuration alone says which algorithms are allowed.

    A verification costs as much as all the rest of a cached read, so it is remembered until the token expires or the
    keys are others: nothing else that it looks at can change.
    """

    def __init__(self, settings: Settings, keys: KeySource) -> None:
        self._settings = settings
        self._keys = keys
        self._verified: OrderedDict[str, tuple[User, object]] = OrderedDict()

    async def user(self, token: str) -> User:
        """Return the user whom the token speaks for, or raise Unauthorized."""
        user = self.remembered(token)
        if user is None:
            user = await self._verify(token)
            self._remember(token, user)
        return user

    def remembered(self, token: str) -> User | None:
        """Return the user of a token that was verified before and is still good, or None if nobody can say."""
        user, basis = self._verified.get(token, (None, None))
        if user is None or basis is not self._keys.basis or time() >= user.expires_at:
            return None
        self._verified.move_to_end(token)
        return user

    def _remember(self, token: str, user: User) -> None:
        basis = self._keys.basis
        if basis is not None:
            self._verified[token] = user, basis
            self._verified.move_to_end(token)
        if len(self._verified) > MAX_REMEMBERED_TOKENS:
            self._verified.popitem(last=False)

    async def _verify(self, token: str) -> User:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise Unauthorized(f"it is longer than {MAX_TOKEN_CHARACTERS} characters")
        with refusing(token):
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
        """Return what the token says, verified with the first key that has signed it."""
        for key in keys[:-1]:
            try:
                return self._decoded(token, key)
            except jwt.InvalidSignatureError:
                continue
        return self._decoded(token, keys[-1])

    def _decoded(self, token: str, key: Key) -> dict[str, Any]:
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
    """Return an HS256 token for a user that expires in `ttl` seconds."""
    claims = {"sub": user, "exp": int(time()) + ttl, "aud": audience, "iss": issuer}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, "HS256")
