"""The keys that verify tokens, and which keys of a published set are fit for that."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import AllowedPublicKeys

from chat_sessions.settings import Algorithm

# NIST SP 800-131A: shorter ones can be factored.
MIN_RSA_BITS = 2048
# A token without a `kid` is tried with each key; providers publish two or three.
MAX_KEYS = 100
MAX_SHOWN_CHARACTERS = 64
# By key type and curve. Symmetric ones are not among them: a published secret is none.
PUBLISHED: Final[Mapping[str, tuple[Algorithm, ...]]] = {
    "RSA": ("RS256", "PS256"),
    "EC P-256": ("ES256",),
    "OKP Ed25519": ("EdDSA",),
}


class UnusableSetError(ValueError):
    """A document without a single key that could verify a token; the message says why."""


class UnfitKeyError(ValueError):
    """A key that verifies no token here; the message says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and the algorithms that it may be used with, whatever a token says."""

    material: AllowedPublicKeys | str
    algorithms: tuple[Algorithm, ...]
    id: str | None = None


class KeySource(Protocol):
    """Where the keys come from that tokens are verified with."""

    @property
    def basis(self) -> object | None:
        """What a verification rests on. It counts for as long as this is the same object, and never under None."""

    async def candidates(self, key_id: str | None, algorithm: str) -> Sequence[Key]:
        """Return the keys that may have signed a token; raise Unavailable if nobody can say."""


class SharedSecret:
    """The one key of HS256, whatever `kid` a token names."""

    def __init__(self, secret: str) -> None:
        self._key = Key(secret, ("HS256",))

    @property
    def basis(self) -> object:
        """The secret, which never changes."""
        return self._key

    async def candidates(self, key_id: str | None, algorithm: str) -> Sequence[Key]:  # noqa: ARG002
        """Return the secret."""
        return [self._key] if algorithm in self._key.algorithms else []


class PublishedKeys(NamedTuple):
    """The usable keys of a set, and why the others are not."""

    keys: tuple[Key, ...]
    ignored: tuple[str, ...]


def published_keys(document: bytes) -> PublishedKeys:
    """Return the keys of a JWK set (RFC 7517); raise UnusableSetError if none is usable."""
    published = _listed(document)
    keys, ignored = [], [f"{len(published) - MAX_KEYS} beyond the first {MAX_KEYS}"] * (len(published) > MAX_KEYS)
    for number, jwk in enumerate(published[:MAX_KEYS]):
        try:
            keys.append(_key(jwk))
        except UnfitKeyError as error:
            ignored.append(f"{_name(jwk, number)}: {error}")
    if not keys:
        raise UnusableSetError("; ".join(["it has no usable key", *ignored]))
    return PublishedKeys(tuple(keys), tuple(ignored))


def _listed(document: bytes) -> list[Any]:
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
    """Return a published key; raise UnfitKeyError."""
    if not isinstance(jwk, dict):
        raise UnfitKeyError("it is not an object")
    if not isinstance(jwk.get("kid"), str | None):
        raise UnfitKeyError("its kid is not a string")
    if jwk.get("use", "sig") != "sig" or "verify" not in _operations(jwk):
        raise UnfitKeyError("it is not for signatures")
    if "d" in jwk:
        raise UnfitKeyError("it is a private key, known to everybody by now: replace it")
    algorithms = _algorithms(jwk)
    return Key(_material(jwk, algorithms[0]), algorithms, jwk.get("kid"))


def _operations(jwk: Mapping[str, Any]) -> Sequence[Any]:
    operations = jwk.get("key_ops", ["verify"])
    return operations if isinstance(operations, list) else []


def _algorithms(jwk: Mapping[str, Any]) -> tuple[Algorithm, ...]:
    kind = " ".join(part for part in (jwk.get("kty"), jwk.get("crv")) if isinstance(part, str))
    algorithms = tuple(each for each in PUBLISHED.get(kind, ()) if jwk.get("alg", each) == each)
    if not algorithms:
        raise UnfitKeyError("its kty, crv or alg is none that is accepted here")
    return algorithms


def _material(jwk: dict[str, Any], algorithm: str) -> AllowedPublicKeys:
    try:
        material: AllowedPublicKeys = jwt.PyJWK(jwk, algorithm).key
    except Exception as error:
        # Whatever a provider publishes. Without the error's text, in which the whole key may stand.
        raise UnfitKeyError("it is malformed") from error
    if isinstance(material, RSAPublicKey) and material.key_size < MIN_RSA_BITS:
        raise UnfitKeyError(f"it has {material.key_size} bits, less than {MIN_RSA_BITS}")
    return material
