"""The keys that verify tokens, from a secret or from a JWK set."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import AllowedPublicKeys

from chat_sessions.settings import Algorithm

# NIST SP 800-131A: shorter keys can be factored.
MIN_RSA_BITS = 2048
# A token without a `kid` is tried with every key; providers publish two or three.
MAX_KEYS = 100
MAX_SHOWN_CHARACTERS = 64
# By key type and curve; none is symmetric, because a published secret is no secret.
PUBLISHED: Final[Mapping[str, tuple[Algorithm, ...]]] = {
    "RSA": ("RS256", "PS256"),
    "EC P-256": ("ES256",),
    "OKP Ed25519": ("EdDSA",),
}


class UnusableSetError(ValueError):
    """The document has no usable key; the message says why."""


class UnusableKeyError(ValueError):
    """The key cannot verify tokens here; the message says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key and its allowed algorithms, whatever a token says."""

    material: AllowedPublicKeys | str
    algorithms: tuple[Algorithm, ...]
    id: str | None = None


class KeySource(Protocol):
    """The keys that tokens are verified with."""

    @property
    def algorithms(self) -> Sequence[Algorithm]:
        """The algorithms of its keys; no other source has them."""

    @property
    def version(self) -> object | None:
        """Identifies the current keys; a cached verification is valid while this is the same object and not None."""

    async def candidates(self, key_id: str | None, algorithm: str) -> Sequence[Key]:
        """Return the keys that may have signed a token; raise Unavailable if there are none to try."""

    async def close(self) -> None:
        """Stop what it does in the background."""


class SharedSecret:
    """The HS256 secret, for any `kid`."""

    def __init__(self, secret: str) -> None:
        self.algorithms: Sequence[Algorithm] = ("HS256",)
        self._key = Key(secret, ("HS256",))

    @property
    def version(self) -> object:
        """The secret, which never changes."""
        return self._key

    async def candidates(self, key_id: str | None, algorithm: str) -> Sequence[Key]:  # noqa: ARG002
        """Return the secret."""
        return [self._key] if algorithm in self._key.algorithms else []

    async def close(self) -> None:
        """Nothing to stop."""


class PublishedKeys(NamedTuple):
    """The usable keys of a set, and why the others are ignored."""

    keys: tuple[Key, ...]
    ignored: tuple[str, ...]


def published_keys(document: bytes) -> PublishedKeys:
    """Return the keys of a JWK set (RFC 7517); raise UnusableSetError if none is usable."""
    published = _parse(document)
    keys, ignored = [], [f"{len(published) - MAX_KEYS} beyond the first {MAX_KEYS}"] * (len(published) > MAX_KEYS)
    for number, jwk in enumerate(published[:MAX_KEYS]):
        try:
            keys.append(_key(jwk))
        except UnusableKeyError as error:
            ignored.append(f"{_name(jwk, number)}: {error}")
    if not keys:
        raise UnusableSetError("; ".join(["it has no usable key", *ignored]))
    return PublishedKeys(tuple(keys), tuple(ignored))


def _parse(document: bytes) -> list[Any]:
    try:
        published = json.loads(document)["keys"]
    except (ValueError, RecursionError):
        raise UnusableSetError("it is not JSON") from None
    except (LookupError, TypeError):
        published = None
    if not isinstance(published, list):
        raise UnusableSetError("it is JSON without a list `keys`")
    return published


def _name(jwk: object, number: int) -> str:
    kid = jwk.get("kid") if isinstance(jwk, dict) else None
    return kid[:MAX_SHOWN_CHARACTERS] if isinstance(kid, str) else f"key {number}"


def _key(jwk: object) -> Key:
    """Return a published key, or raise UnusableKeyError."""
    if not isinstance(jwk, dict):
        raise UnusableKeyError("it is not an object")
    if not isinstance(jwk.get("kid"), str | None):
        raise UnusableKeyError("its kid is not a string")
    if jwk.get("use", "sig") != "sig" or "verify" not in _operations(jwk):
        raise UnusableKeyError("it is not for signatures")
    if "d" in jwk:
        raise UnusableKeyError("it is a private key, which is now public: replace it")
    algorithms = _algorithms(jwk)
    return Key(_material(jwk, algorithms[0]), algorithms, jwk.get("kid"))


def _operations(jwk: Mapping[str, Any]) -> Sequence[Any]:
    operations = jwk.get("key_ops", ["verify"])
    return operations if isinstance(operations, list) else []


def _algorithms(jwk: Mapping[str, Any]) -> tuple[Algorithm, ...]:
    kind = " ".join(part for part in (jwk.get("kty"), jwk.get("crv")) if isinstance(part, str))
    algorithms = tuple(each for each in PUBLISHED.get(kind, ()) if jwk.get("alg", each) == each)
    if not algorithms:
        raise UnusableKeyError("its kty, crv or alg is not supported")
    return algorithms


def _material(jwk: dict[str, Any], algorithm: str) -> AllowedPublicKeys:
    try:
        material: AllowedPublicKeys = jwt.PyJWK(jwk, algorithm).key
    except Exception as error:
        # Any error, because the input is arbitrary; without its text, which may contain the key.
        raise UnusableKeyError("it is malformed") from error
    if isinstance(material, RSAPublicKey) and material.key_size < MIN_RSA_BITS:
        raise UnusableKeyError(f"it has {material.key_size} bits, less than {MIN_RSA_BITS}")
    return material
