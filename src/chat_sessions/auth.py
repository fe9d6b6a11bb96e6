"""From a bearer token to a user, or Unauthorized."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic, time
from typing import Any, Protocol

import httpx
import jwt
import structlog

from chat_sessions.errors import Unauthorized, Unavailable
from chat_sessions.settings import PUBLISHED_ALGORITHMS, Settings
from chat_sessions.storable import is_storable

log = structlog.get_logger(__name__)

# Larger than any token an identity provider mints, and small enough to be read by strangers for nothing.
MAX_TOKEN_CHARACTERS = 8192
MAX_USER_CHARACTERS = 255
# A key set is asked for again at most this often, however many tokens name a key that it lacks.
MIN_SECONDS_BETWEEN_FETCHES = 10.0
# Verified ones, of about a kilobyte each: strangers cannot fill this.
MAX_REMEMBERED_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class User:
    """Who asks, and until when the token says so (Unix time, leeway included)."""

    id: str
    expires_at: float


class KeySource(Protocol):
    """Where the keys come from that tokens are verified with."""

    @property
    def basis(self) -> object | None:
        """What a verification rests on. It counts for as long as this is the same object, and never under None."""

    async def key_for(self, token: str) -> jwt.PyJWK | str:
        """Return the key of a token; raise Unauthorized if there is none, Unavailable if nobody can say."""


class SharedSecret:
    """The one key of HS256."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    @property
    def basis(self) -> object:
        """The secret, which never changes."""
        return self._secret

    async def key_for(self, token: str) -> str:  # noqa: ARG002  every token has the same key
        """Return the secret."""
        return self._secret


class KeySet:
    """The published keys of an identity provider (RFC 7517), fetched when needed and kept while it is away.

    A key that the provider withdraws stops working after `lifespan` seconds at the latest, as long as the
    provider can be reached.
    """

    def __init__(self, url: str, *, lifespan: float, timeout: float, http: httpx.AsyncClient) -> None:
        self._url = url
        self._lifespan = lifespan
        self._timeout = timeout
        self._http = http
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._fetching = asyncio.Lock()

    @property
    def basis(self) -> object | None:
        """The keys as they were fetched last, while they are fresh."""
        return None if self._is_stale() else self._keys

    async def key_for(self, token: str) -> jwt.PyJWK:
        """Return the key that the token's `kid` names, or the only one there is if it names none."""
        kid = _key_id(token)
        if self._find(kid) is None or self._is_stale():
            await self._refresh(kid)
        key = self._find(kid)
        if key is not None:
            return key
        if not self._keys:
            message = "The keys of the identity provider cannot be read right now; try again."
            raise Unavailable(message)
        raise Unauthorized

    def _is_stale(self) -> bool:
        return monotonic() - self._fetched_at > self._lifespan

    def _find(self, kid: str | None) -> jwt.PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    async def _refresh(self, kid: str | None) -> None:
        if self._find(kid) is not None and self._fetching.locked():
            return
        async with self._fetching:
            if monotonic() - self._asked_at < MIN_SECONDS_BETWEEN_FETCHES:
                return
            self._asked_at = monotonic()
            try:
                # In all: httpx's own limits begin anew with every byte.
                async with asyncio.timeout(self._timeout):
                    answer = (await self._http.get(self._url)).raise_for_status()
                self._keys = signing_keys(answer.json())
                self._fetched_at = monotonic()
            except (httpx.HTTPError, TimeoutError, ValueError, LookupError, TypeError, RecursionError) as error:
                # Without its text, in which the URL stands, with its password if it has one.
                log.warning("jwks.unavailable", error=type(error).__name__, keys_kept=len(self._keys))


def _key_id(token: str) -> str | None:
    kid = jwt.get_unverified_header(token).get("kid")
    return kid if isinstance(kid, str) else None


def signing_keys(document: dict[str, Any]) -> dict[str | None, jwt.PyJWK]:
    """Return the usable keys of a published set by their ids; keys of other kinds and uses may be among them."""
    keys = [key for jwk in document["keys"] if (key := _signing_key(jwk)) is not None]
    return {key.key_id: key for key in keys}


def _signing_key(jwk: Any) -> jwt.PyJWK | None:  # noqa: ANN401  whatever the provider publishes
    try:
        key = jwt.PyJWK(jwk)
        usable = key.algorithm_name in PUBLISHED_ALGORITHMS and jwk.get("use", "sig") == "sig"
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        # Without its text, in which the whole key may stand.
        log.info("jwks.key_ignored", error=type(error).__name__)
        return None
    return key if usable else None


class Authenticator:
    """Verifies tokens with the keys of one source and one list of algorithms.

    A verification costs as much as all the rest of a cached read, so it is remembered until the token expires or the
    keys are others: nothing else that it looks at can change.
    """

    def __init__(self, settings: Settings, keys: KeySource) -> None:
        self._settings = settings
        self._keys = keys
        self._verified: OrderedDict[str, tuple[User, object]] = OrderedDict()

    async def user(self, token: str) -> User:
        """Return the user whom the token speaks for, or raise Unauthorized without saying what is wrong with it."""
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
            raise Unauthorized
        try:
            claims = self._claims(token, await self._keys.key_for(token))
            user, expires_at = claims["sub"], int(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Unauthorized from error
        if not 0 < len(user) <= MAX_USER_CHARACTERS or not is_storable(user):
            raise Unauthorized
        return User(id=user, expires_at=expires_at + self._settings.jwt_leeway)

    def _claims(self, token: str, key: jwt.PyJWK | str) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=self._settings.algorithms,
            audience=self._settings.jwt_audience,
            issuer=self._settings.jwt_issuer,
            leeway=self._settings.jwt_leeway,
            options={"require": ["exp", "sub"], "verify_aud": self._settings.jwt_audience is not None},
        )


def mint_token(secret: str, user: str, *, ttl: int, audience: str | None = None, issuer: str | None = None) -> str:
    """Return an HS256 token for a user that expires in `ttl` seconds."""
    claims = {"sub": user, "exp": int(time()) + ttl, "aud": audience, "iss": issuer}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, "HS256")
