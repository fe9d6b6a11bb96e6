"""Authentication: which bearer tokens are accepted, and which are not."""

import asyncio
import base64
import hmac
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from structlog.typing import EventDict

from chat_sessions.contract.user import User
from chat_sessions.errors import Unauthorized, Unavailable
from chat_sessions.settings import Settings, load_settings
from chat_sessions.web.auth.key_set import MAX_SET_BYTES, MIN_SECONDS_BETWEEN_FETCHES, KeySet
from chat_sessions.web.auth.keys import MAX_KEYS, SharedSecret
from chat_sessions.web.auth.tokens import Authenticator, mint_token
from tests.logged import logged
from tests.provider import Provider
from tests.service import SECRET, Caller, Service, running, token
from tests.waiting import LIMIT_SECONDS, until

PATH = "/api/chat/sessions"
REQUIRED = {"database_url": "postgresql://", "redis_url": "redis://", "jwt_secret": SECRET}
ANOTHER_SECRET = "another secret, just as long as the first one is"  # noqa: S105  it protects nothing
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
RSA_KEY, ROTATED_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
WEAK_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505  which is the point
FAR = 4_000_000_000
NOT_SENT = "Bearer"
INVALID = 'Bearer error="invalid_token", error_description="Send a valid token as `Authorization: Bearer <JWT>`."'
Lines = list[EventDict]
# How long a request for keys may take: longer than any that a test does not delay, and short where it delays one.
PATIENCE, BRIEF = LIMIT_SECONDS, 0.5


def raw(header: object, claims: object, signature: bytes = b"") -> str:
    """Assemble a token from parts that no library would accept."""
    parts = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, signature))


def signed(claims: object, **header: object) -> str:
    """Sign anything at all with the right secret."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, SECRET, "HS256", headers=header or None)


def compressed(payload: object) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(json.dumps(payload).encode()) + deflate.flush()


def claims(**changed: object) -> dict[str, object]:
    given = {"sub": "ada", "exp": FAR, **changed}
    return {name: value for name, value in given.items() if value is not None}


class TestSharedSecret:
    async def test_a_valid_token_names_the_user(self, service: Service, stranger: Caller) -> None:
        headers = {"Authorization": f"Bearer {mint_token(SECRET, 'Zoë 😀', ttl=60)}"}
        created = await stranger.http.post(PATH, json={}, headers=headers)
        session = await stranger.http.get(f"{PATH}/{created.json()['id']}", headers=headers)
        assert session.json()["user_id"] == "Zoë 😀"
        assert service.settings.algorithms == ("HS256",)

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    async def test_the_scheme_may_be_in_any_case(self, scheme: str, stranger: Caller) -> None:
        response = await stranger.http.get(PATH, headers={"Authorization": f"{scheme} {token()}"})
        assert response.status_code == 200

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "Bearer",
            "Bearer ",
            f"Basic {token()}",
            token(),
            f"Token {token()}",
        ],
        ids=range(7),
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_no_token_is_401_without_an_error(self, method: str, header: str | None, stranger: Caller) -> None:
        await self.refused(stranger, header, method, NOT_SENT)

    @pytest.mark.parametrize(
        "header",
        [
            f"Bearer {token()} {token()}",
            f"Bearer {token()}, Bearer {token()}",
            "Bearer .",
            "Bearer ..",
            "Bearer a.b",
            "Bearer a.b.c",
            "Bearer a.b.c.d",
            f"Bearer {token()}x",
            f"Bearer {token()[:-4]}",
            "Bearer \xff\xfe.\xff.\xff",
            f"Bearer {token()}".encode() + b"\xff",
        ],
        ids=range(11),
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_a_malformed_token_is_401(self, method: str, header: str | bytes, stranger: Caller) -> None:
        await self.refused(stranger, header, method)

    async def test_an_expired_token_is_401_and_says_so(self, stranger: Caller) -> None:
        response = await stranger.http.get(
            PATH, headers={"Authorization": f"Bearer {token(exp=int(time.time()) - 60)}"}
        )
        assert (response.status_code, response.json()["detail"]) == (401, "The token has expired. Send a new one.")
        assert response.headers["WWW-Authenticate"] == (
            'Bearer error="invalid_token", error_description="The token has expired. Send a new one."'
        )

    @pytest.mark.parametrize(
        "given",
        [
            raw({"alg": "none", "typ": "JWT"}, claims()),
            raw({"alg": "None"}, claims()),
            raw({"alg": "nOnE"}, claims()),
            raw({"alg": ""}, claims()),
            raw({"alg": None}, claims()),
            raw({"alg": ["HS256"]}, claims()),
            raw({"alg": {"HS256": 1}}, claims()),
            raw({"typ": "JWT"}, claims()),
            raw([], claims()),
            raw("HS256", claims()),
            raw(b"\xff", claims()),
            raw(b"", b""),
            raw(b"{" * 3000, claims()),
            raw(b"[" * 3000, claims()),
            raw(b'{"alg":"HS256","a":' + b"[" * 2000 + b"]" * 2000 + b"}", claims()),
            token(secret=ANOTHER_SECRET),
            token(secret=ANOTHER_SECRET * 3, algorithm="HS512"),
            token(secret=SECRET * 2, algorithm="HS384"),
            jwt.encode(claims(), RSA_KEY, "RS256"),
            jwt.encode(claims(), EC_KEY, "ES256"),
            signed(claims(exp=None)),
            signed(claims(exp="soon")),
            signed(claims(exp={})),
            signed(claims(exp=[FAR])),
            signed(b'{"sub":"ada","exp":NaN}'),
            signed(b'{"sub":"ada","exp":Infinity}'),
            signed(b'{"sub":"ada","exp":1e400}'),
            signed(b'{"sub":"ada","exp":' + b"9" * 5000 + b"}"),
            signed(claims(nbf=FAR)),
            signed(claims(nbf="soon")),
            signed(b'{"sub":"ada","exp":4000000000,"nbf":1e400}'),
            signed(claims(iat=FAR)),
            signed(claims(iat="soon")),
            signed(claims(sub=None)),
            signed(claims(sub="")),
            signed(claims(sub=1)),
            signed(claims(sub=True)),
            signed(claims(sub=["ada"])),
            signed(claims(sub={"ada": 1})),
            signed(claims(sub="x" * 256)),
            signed(claims(sub="ada\0")),
            signed(b'{"sub":"\\ud800","exp":4000000000}'),
            signed(b'{"sub":null,"exp":4000000000}'),
            signed(b'{"sub":"ada","exp":null}'),
            signed(b"[]"),
            signed(b'"ada"'),
            signed(b"null"),
            signed(b"\xff"),
            signed(b"{"),
            signed(b'{"sub":"ada","exp":4000000000,"a":' + b"[" * 5000),
            signed(claims(), b64=False),
            signed(claims(), crit=["unknown"], unknown=1),
            signed(claims(padding="x" * 8192)),
            signed(claims(), crit=["b64"], b64=False),
            signed(claims(), crit=["exp"], exp=FAR),
            signed(claims(), crit=[]),
            signed(claims(), crit="exp"),
            signed(compressed(claims()), zip="DEF"),
            signed(token().encode(), cty="JWT"),
            # An all-zero signature, which once verified everything (CVE-2022-21449).
            raw({"alg": "ES256"}, claims(), bytes(64)),
            raw({"alg": "HS256"}, claims(), bytes(32)),
        ],
        ids=range(61),
    )
    async def test_an_invalid_token_is_401(self, given: str, stranger: Caller) -> None:
        await self.refused(stranger, f"Bearer {given}", "GET")

    async def refused(
        self, stranger: Caller, header: str | bytes | None, method: str, challenge: str = INVALID
    ) -> None:
        value = header.encode("latin-1") if isinstance(header, str) else header
        headers = {} if value is None else {b"Authorization": value}
        response = await stranger.http.request(method, PATH, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == challenge
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json() == {
            "type": "urn:chat-sessions:unauthorized",
            "title": "Unauthorized",
            "status": 401,
            "detail": "Send a valid token as `Authorization: Bearer <JWT>`.",
        }

    @pytest.mark.parametrize("others", [token("bob"), "nothing", ""])
    @pytest.mark.parametrize("first", [True, False])
    async def test_two_authorization_headers_are_rejected(self, first: bool, others: str, stranger: Caller) -> None:
        known = f"Bearer {token()}"
        for _ in range(2):
            assert (await stranger.http.get(PATH, headers={"Authorization": known})).status_code == 200
        two = [("Authorization", known), ("Authorization", f"Bearer {others}")]
        response = await stranger.http.get(PATH, headers=two if first else two[::-1])
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, INVALID)

    @pytest.mark.parametrize(
        "header",
        [
            {"kid": "../../../../dev/null"},
            {"kid": "' UNION SELECT 'a"},
            {"kid": "x\r\nX: y"},
            {"kid": "http://127.0.0.1:1/key"},
            {"jku": "http://127.0.0.1:1/keys"},
            {"x5u": "http://127.0.0.1:1/chain"},
            {"jwk": {"kty": "oct", "k": base64.urlsafe_b64encode(ANOTHER_SECRET.encode()).decode()}},
        ],
        ids=str,
    )
    async def test_a_token_cannot_bring_its_own_key(self, header: dict[str, Any], stranger: Caller) -> None:
        forged = jwt.encode(claims(), ANOTHER_SECRET, "HS256", headers=header)
        await self.refused(stranger, f"Bearer {forged}", "GET")

    @pytest.mark.parametrize("sub", ["x", "x" * 255, "a b", "{ada}", "auth0|1", "../bob", "%", "é" * 255, "a:b"])
    async def test_users_with_odd_names_are_kept_apart(self, sub: str, ada: Caller, service: Service) -> None:
        await ada.create("hers")
        async with service.client(sub) as client:
            odd = Caller(client)
            created = await odd.create("odd")
            for _ in range(2):
                assert await odd.titles() == ["odd"]
            assert (await odd.delete(created["id"])).status_code == 204
        assert await ada.titles() == ["hers"]

    async def test_strangers_do_not_see_validation_errors(self, stranger: Caller) -> None:
        response = await stranger.http.post(PATH, json={"unknown": 1})
        assert (response.status_code, "unknown" in response.text) == (401, False)


class TestClaims:
    @pytest.fixture
    def user_of(self, settings: Settings) -> Any:  # noqa: ANN401  a function of a token and settings
        async def verified(given: str, **changed: object) -> str:
            with_changes = settings.model_copy(update=changed)
            return (await Authenticator(with_changes, SharedSecret(SECRET)).user(given)).id

        return verified

    @pytest.mark.parametrize(("seconds", "valid"), [(60, True), (0, True), (-6, True), (-11, False), (-60, False)])
    async def test_an_expired_token_is_valid_only_within_the_leeway(
        self,
        seconds: int,
        valid: bool,
        user_of: Any,  # noqa: ANN401
    ) -> None:
        given = token(exp=int(time.time()) + seconds)
        if valid:
            assert await user_of(given, jwt_leeway=10) == "ada"
        else:
            with pytest.raises(Unauthorized):
                await user_of(given, jwt_leeway=10)

    async def test_without_leeway_an_expired_token_is_rejected_at_once(self, user_of: Any) -> None:  # noqa: ANN401
        with pytest.raises(Unauthorized):
            await user_of(token(exp=int(time.time())), jwt_leeway=0)

    @pytest.mark.parametrize(("seconds", "valid"), [(-60, True), (5, True), (60, False)])
    @pytest.mark.parametrize("claim", ["nbf", "iat"])
    async def test_a_token_from_the_future_is_valid_only_within_the_leeway(
        self,
        claim: str,
        seconds: int,
        valid: bool,
        user_of: Any,  # noqa: ANN401
    ) -> None:
        given = signed(claims(**{claim: int(time.time()) + seconds}))
        if valid:
            assert await user_of(given, jwt_leeway=10) == "ada"
        else:
            with pytest.raises(Unauthorized):
                await user_of(given, jwt_leeway=10)

    @pytest.mark.parametrize("claim", ["aud", "iss"])
    async def test_a_configured_claim_is_required(self, claim: str, user_of: Any) -> None:  # noqa: ANN401
        setting = {"aud": "jwt_audience", "iss": "jwt_issuer"}[claim]
        assert await user_of(token(**{claim: "chat"}), **{setting: ("chat",)}) == "ada"
        for wrong in (token(), token(**{claim: "other"}), token(**{claim: ""}), signed(claims(**{claim: [["chat"]]}))):
            with pytest.raises(Unauthorized):
                await user_of(wrong, **{setting: ("chat",)})

    @pytest.mark.parametrize("claim", ["aud", "iss"])
    async def test_any_configured_value_is_accepted(self, claim: str, user_of: Any) -> None:  # noqa: ANN401
        setting = {"aud": "jwt_audience", "iss": "jwt_issuer"}[claim]
        listed = getattr(load_settings({**REQUIRED, setting: "web, mobile"}), setting)
        for each in ("web", "mobile"):
            assert await user_of(token(**{claim: each}), **{setting: listed}) == "ada"
        for wrong in ("web, mobile", "we", "mobile,", "other"):
            with pytest.raises(Unauthorized):
                await user_of(token(**{claim: wrong}), **{setting: listed})

    async def test_one_of_several_audiences_is_enough(self, user_of: Any) -> None:  # noqa: ANN401
        assert await user_of(token(aud=["other", "chat"]), jwt_audience=("chat",)) == "ada"

    async def test_unconfigured_claims_are_ignored(self, user_of: Any) -> None:  # noqa: ANN401
        assert await user_of(token(aud="anything", iss="anybody")) == "ada"

    async def test_an_expiry_beyond_the_last_date_is_capped(self, settings: Settings) -> None:
        for far in (b"1e300", b"9" * 400, b"253402300800"):
            given = signed(b'{"sub":"ada","exp":' + far + b"}")
            user = await Authenticator(settings, SharedSecret(SECRET)).user(given)
            assert user.expires_at == 253_402_300_799 + settings.jwt_leeway

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            (token(exp=0), "it expired at 1970-01-01T00:00:00Z"),
            (token(exp=-(10**30)), "it expired long ago"),
            (token(nbf=FAR), "its nbf or iat is in the future"),
            (token(aud="other", iss="id"), "its aud is not in CHAT_JWT_AUDIENCE"),
            (token(aud="chat", iss="other"), "its iss is not in CHAT_JWT_ISSUER"),
            (token(iss="id"), "it has no aud"),
            (token(aud="chat"), "it has no iss"),
            (signed(claims(exp=None)), "it has no exp"),
            (signed(claims(sub=None, aud="chat", iss="id")), "it has no sub"),
            (signed(claims(sub=1, aud="chat", iss="id")), "its sub is not a string"),
            (
                signed(claims(sub="x" * 256, aud="chat", iss="id")),
                "its sub is empty, longer than 255 characters or not valid text",
            ),
            (signed(claims(jti=1, aud="chat", iss="id")), "its jti is not a string"),
            (signed(claims(iat="now", aud="chat", iss="id")), "its iat is not a number"),
            (token(secret=ANOTHER_SECRET), "its signature does not match the key"),
            (token(secret=ANOTHER_SECRET * 3, algorithm="HS512"), "its algorithm is not HS256"),
            (raw({"alg": "none"}, claims()), "its algorithm is not HS256"),
            ("a.b.c", "it is malformed"),
            ("x" * 8193, "it is longer than 8192 characters"),
        ],
        ids=range(18),
    )
    async def test_a_rejection_has_its_reason(self, given: str, reason: str, user_of: Any) -> None:  # noqa: ANN401
        with pytest.raises(Unauthorized) as refused:
            await user_of(given, jwt_audience=("chat",), jwt_issuer=("id",))
        assert refused.value.reason == reason

    async def test_the_log_has_the_reason_for_a_401_and_no_part_of_the_token(
        self, stranger: Caller, refusals: Lines
    ) -> None:
        given = token("canary", aud="canary", exp=0)
        await stranger.http.get(PATH, headers={"Authorization": f"Bearer {given}"})
        await stranger.http.get(PATH)
        assert [{**line, "request_id": ""} for line in refusals] == [
            {"event": "request.unauthorized", "log_level": "info", "reason": reason, "request_id": ""}
            for reason in ("it expired at 1970-01-01T00:00:00Z", "no bearer token was sent")
        ]

    async def test_the_expiry_of_a_user_includes_the_leeway(self, settings: Settings) -> None:
        user = await Authenticator(settings, SharedSecret(SECRET)).user(token(exp=FAR))
        assert user.expires_at == FAR + settings.jwt_leeway


KINDS: dict[type, tuple[str, Callable[[Any], str]]] = {
    rsa.RSAPrivateKey: ("RS256", RSAAlgorithm.to_jwk),
    ec.EllipticCurvePrivateKey: ("ES256", ECAlgorithm.to_jwk),
    ed25519.Ed25519PrivateKey: ("EdDSA", OKPAlgorithm.to_jwk),
}


def kind(key: PrivateKey) -> type:
    return next(each for each in KINDS if isinstance(key, each))


def published(key: PrivateKey, kid: str | None = None, **changed: object) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(KINDS[kind(key)][1](key.public_key()))
    return {**jwk, **({} if kid is None else {"kid": kid}), **changed}


def bearing(key: PrivateKey, kid: str | None = None, algorithm: str | None = None, **changed: object) -> str:
    headers = None if kid is None else {"kid": kid}
    return jwt.encode(claims(**changed), key, algorithm or KINDS[kind(key)][0], headers=headers)


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


async def requested(provider: Provider, times: int) -> bool:
    return provider.requests == times


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def refusals(informative: None) -> Iterator[Lines]:  # noqa: ARG001  the level
    """The log lines of rejected tokens."""
    with logged("request.unauthorized") as lines:
        yield lines


@pytest.fixture
def key_lines(informative: None) -> Iterator[Lines]:  # noqa: ARG001  the level
    """The log lines of key sets."""
    with logged("jwks.") as lines:
        yield lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("chat_sessions.web.auth.key_set.monotonic", clock)
    return clock


FAILURES: dict[str, tuple[int, bytes]] = {
    "refused": (0, b""),
    "500": (500, b""),
    "redirect": (302, b""),
    "nothing": (200, b""),
    "no keys": (200, b'{"error": "maintenance"}'),
    "a list": (200, b'["maintenance"]'),
    "not json": (200, b"<html>"),
    "not utf-8": (200, b"\xff\xfe"),
    "too deep": (200, b"[" * 100_000),
    "empty": (200, b'{"keys": []}'),
    "keys of null": (200, b'{"keys": null}'),
    "keys of text": (200, b'{"keys": "maintenance"}'),
    "odd keys": (200, b'{"keys": [{"kid": {}}, {"kty": "oct", "k": "AAAA"}]}'),
    "weak keys": (200, json.dumps({"keys": [published(WEAK_KEY, "r")]}).encode()),
    "too large": (200, json.dumps({"keys": [published(RSA_KEY, "r")]}).encode() + b" " * MAX_SET_BYTES),
}


class TestKeySet:
    @pytest.fixture
    def jwks(self, settings: Settings, provider: Provider) -> Settings:
        return settings.model_copy(update={"jwt_secret": None, "jwks_url": provider.url})

    async def test_a_worker_with_a_secret_and_a_provider_accepts_tokens_of_both(
        self, settings: Settings, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        forged = token(secret=ANOTHER_SECRET), bearing(ROTATED_KEY, "r")
        async with running(settings.model_copy(update={"jwks_url": provider.url})) as worker, worker.client(None) as at:
            # Twice: the second time, verified tokens are remembered.
            for _ in range(2):
                for given, status in ((token(), 200), (bearing(RSA_KEY, "r"), 200), *((each, 401) for each in forged)):
                    response = await at.get(PATH, headers={"Authorization": f"Bearer {given}"})
                    assert response.status_code == status

    async def test_with_a_secret_and_a_provider_a_public_key_is_not_a_secret(
        self, settings: Settings, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        keys = KeySet(provider.url, lifespan=300, timeout=PATIENCE)
        with closing(provider):
            gate = Authenticator(settings, SharedSecret(SECRET), keys)
            assert (await gate.user(bearing(RSA_KEY, "r"))).id == "ada"
            public = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            forged = raw({"alg": "HS256", "kid": "r"}, claims())
            signature = hmac.digest(public, forged.rpartition(".")[0].encode(), "sha256")
            with pytest.raises(Unauthorized):
                await gate.user(raw({"alg": "HS256", "kid": "r"}, claims(), signature))
        await keys.close()

    async def test_a_token_signed_with_the_secret_does_not_wait_for_the_provider(
        self, settings: Settings, provider: Provider
    ) -> None:
        keys = KeySet(provider.url, lifespan=300, timeout=PATIENCE)
        assert (await Authenticator(settings, SharedSecret(SECRET), keys).user(token())).id == "ada"
        assert provider.requests == 0

    @pytest.fixture
    async def gate(self, jwks: Settings, provider: Provider) -> AsyncIterator[Authenticator]:
        keys = KeySet(provider.url, lifespan=300, timeout=PATIENCE)
        yield Authenticator(jwks, keys)
        await keys.close()

    async def test_a_worker_accepts_tokens_of_its_provider(self, jwks: Settings, provider: Provider) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        async with running(jwks) as worker, worker.client(None) as client:
            for given, status in ((bearing(RSA_KEY, "r"), 200), (bearing(ROTATED_KEY, "r"), 401), (token(), 401)):
                response = await client.get(PATH, headers={"Authorization": f"Bearer {given}"})
                assert response.status_code == status

    async def test_without_its_provider_a_worker_returns_503_with_retry_after(
        self, jwks: Settings, provider: Provider
    ) -> None:
        provider.close()
        async with running(jwks) as worker, worker.client(None) as client:
            response = await client.get(PATH, headers={"Authorization": f"Bearer {bearing(RSA_KEY, 'r')}"})
            assert response.status_code == 503
            assert 1 < int(response.headers["Retry-After"]) <= MIN_SECONDS_BETWEEN_FETCHES
            assert response.json()["type"] == "urn:chat-sessions:unavailable"
            assert (await client.get(PATH)).status_code == 401

    @pytest.mark.parametrize("key", [RSA_KEY, EC_KEY], ids=["RS256", "ES256"])
    async def test_a_token_is_verified_with_the_key_that_it_names(
        self, key: PrivateKey, gate: Authenticator, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r"), published(EC_KEY, "e"), published(ROTATED_KEY, "o")]}
        kid = "r" if key is RSA_KEY else "e"
        assert (await gate.user(bearing(key, kid))).id == "ada"
        for wrong in (bearing(key, "o"), bearing(key, "unknown")):
            with pytest.raises(Unauthorized):
                await gate.user(wrong)

    @pytest.mark.parametrize(
        ("key", "algorithm"),
        [(RSA_KEY, "RS256"), (RSA_KEY, "PS256"), (EC_KEY, "ES256"), (ED_KEY, "EdDSA")],
        ids=["RS256", "PS256", "ES256", "EdDSA"],
    )
    async def test_each_algorithm_is_verified_with_a_key_of_its_kind(
        self, key: PrivateKey, algorithm: str, gate: Authenticator, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(each, "k") for each in (RSA_KEY, EC_KEY, ED_KEY)]}
        assert (await gate.user(bearing(key, "k", algorithm))).id == "ada"

    @pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS512", "HS256"])
    async def test_other_algorithms_are_rejected_without_a_fetch(
        self, algorithm: str, gate: Authenticator, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        key = "x" * 64 if algorithm == "HS256" else RSA_KEY
        with pytest.raises(Unauthorized):
            await gate.user(jwt.encode(claims(), key, algorithm, headers={"kid": "r"}))
        assert provider.requests == 0

    async def test_a_key_is_used_only_for_its_own_algorithm(self, gate: Authenticator, provider: Provider) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r", alg="PS256")]}
        assert (await gate.user(bearing(RSA_KEY, "r", "PS256"))).id == "ada"
        with pytest.raises(Unauthorized):
            await gate.user(bearing(RSA_KEY, "r", "RS256"))

    @pytest.mark.parametrize("kid", [None, "same"])
    @pytest.mark.parametrize("key", [RSA_KEY, ROTATED_KEY], ids=["first", "second"])
    async def test_all_matching_keys_with_the_same_id_or_none_are_tried(
        self, key: PrivateKey, kid: str | None, gate: Authenticator, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(each, kid) for each in (RSA_KEY, EC_KEY, ROTATED_KEY)]}
        assert (await gate.user(bearing(key, kid))).id == "ada"
        with pytest.raises(Unauthorized) as refused:
            await gate.user(bearing(rsa.generate_private_key(65537, 2048), kid))
        assert refused.value.reason == "its signature does not match the key"

    @pytest.mark.parametrize("key", [RSA_KEY, ROTATED_KEY], ids=["first", "second"])
    async def test_keys_without_an_id_are_tried_for_a_token_with_one(
        self, key: PrivateKey, gate: Authenticator, provider: Provider, clock: Clock
    ) -> None:
        provider.document = {"keys": [published(each) for each in (RSA_KEY, EC_KEY, ROTATED_KEY)]}
        assert (await gate.user(bearing(key, "any"))).id == "ada"
        clock.now += MIN_SECONDS_BETWEEN_FETCHES + 1
        assert (await gate.user(bearing(key, "other"))).id == "ada"
        assert provider.requests == 1

    async def test_a_token_without_a_key_id_is_tried_with_named_keys(
        self, gate: Authenticator, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(ROTATED_KEY, "a"), published(RSA_KEY, "b")]}
        assert (await gate.user(bearing(RSA_KEY))).id == "ada"

    async def test_only_the_first_hundred_keys_are_tried(
        self, gate: Authenticator, provider: Provider, key_lines: Lines
    ) -> None:
        provider.document = {"keys": [*[published(EC_KEY)] * MAX_KEYS, published(RSA_KEY, "r")]}
        with pytest.raises(Unauthorized):
            await gate.user(bearing(RSA_KEY, "r"))
        assert [line["keys"] for line in key_lines] == [("1 beyond the first 100",)]

    async def test_a_public_key_is_not_an_hs256_secret(self, gate: Authenticator, provider: Provider) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        confused = jwt.PyJWS().encode(
            json.dumps(claims()).encode(), base64.b64encode(pem), "HS256", headers={"kid": "r"}
        )
        head, body, _ = confused.split(".")
        signature = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), pem)
        forged = f"{head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
        for each in (confused, forged, raw({"alg": "none", "kid": "r"}, claims())):
            with pytest.raises(Unauthorized):
                await gate.user(each)

    async def test_a_published_symmetric_key_verifies_nothing(self, gate: Authenticator, provider: Provider) -> None:
        secret = base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")
        provider.document = {"keys": [{"kty": "oct", "k": secret, "kid": "s"}, published(EC_KEY, "e")]}
        with pytest.raises(Unauthorized):
            await gate.user(jwt.encode(claims(), SECRET, "HS256", headers={"kid": "s"}))
        assert (await gate.user(bearing(EC_KEY))).id == "ada"

    @pytest.mark.parametrize(
        "odd",
        [
            {},
            None,
            [],
            "key",
            {"kty": "unknown", "kid": "x"},
            {"kty": "OKP", "crv": "Ed448", "kid": "x"},
            {"kty": "RSA", "kid": "x"},
            {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "x"},
            {"kty": "EC", "crv": "P-999", "kid": "x"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "x"},
            {**published(ROTATED_KEY, "x"), "alg": "RSA-OAEP"},
            {**published(ROTATED_KEY, "x"), "alg": "RS512"},
            {**published(ROTATED_KEY, "x"), "use": "enc"},
            {**published(ROTATED_KEY, "x"), "alg": ["RS256"]},
            {**published(ROTATED_KEY), "kid": {"x": 1}},
            {**published(ROTATED_KEY), "kid": ["x"]},
            {**published(ROTATED_KEY, "x"), "kty": ["RSA"]},
            {**published(ROTATED_KEY, "x"), "kty": {"RSA": 1}},
            {**published(ROTATED_KEY, "x"), "use": ["sig"]},
            {**published(ROTATED_KEY, "x"), "key_ops": ["encrypt"]},
            {**published(ROTATED_KEY, "x"), "key_ops": []},
            {**published(ROTATED_KEY, "x"), "key_ops": "verify"},
            {**published(ROTATED_KEY, "x"), "e": 65537},
            {**json.loads(RSAAlgorithm.to_jwk(ROTATED_KEY)), "kid": "x", "key_ops": ["verify"]},
        ],
        ids=range(24),
    )
    async def test_an_unusable_key_does_not_disable_the_others(
        self, odd: object, gate: Authenticator, provider: Provider, key_lines: Lines
    ) -> None:
        provider.document = {"keys": [odd, published(RSA_KEY, "r")]}
        assert (await gate.user(bearing(RSA_KEY, "r"))).id == "ada"
        assert [(line["event"], len(line["keys"])) for line in key_lines] == [("jwks.keys_ignored", 1)]
        for kid in ("x", None):
            with pytest.raises(Unauthorized):
                await gate.user(bearing(ROTATED_KEY, kid))

    async def test_a_weak_rsa_key_verifies_nothing(
        self, gate: Authenticator, provider: Provider, key_lines: Lines
    ) -> None:
        provider.document = {"keys": [published(WEAK_KEY, "w"), published(RSA_KEY, "r")]}
        header, body = jwt.encode(claims(), RSA_KEY, "RS256", headers={"kid": "w"}).split(".")[:2]
        signature = WEAK_KEY.sign(f"{header}.{body}".encode(), PKCS1v15(), SHA256())
        given = f"{header}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
        with pytest.raises(Unauthorized):
            await gate.user(given)
        assert [line["keys"] for line in key_lines] == [("w: it has 1024 bits, less than 2048",)]
        assert (await gate.user(bearing(RSA_KEY, "r"))).id == "ada"

    async def test_ignored_keys_are_logged_once_and_not_on_each_fetch(
        self, gate: Authenticator, provider: Provider, clock: Clock, key_lines: Lines
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r"), published(ROTATED_KEY, "x", use="enc")]}
        for _ in range(3):
            await gate.user(bearing(RSA_KEY, "r"))
            clock.now += 400
        assert (provider.requests, len(key_lines)) == (3, 1)
        assert key_lines[0]["keys"] == ("x: it is not for signatures",)

    async def test_an_unchanged_key_set_keeps_verified_tokens_cached(
        self, gate: Authenticator, provider: Provider, clock: Clock
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        given = bearing(RSA_KEY, "r")
        await gate.user(given)
        clock.now += 400
        assert gate.remembered(given) is None
        await gate.user(bearing(RSA_KEY, "r", iat=1))
        assert gate.remembered(given) is not None
        provider.document = {"keys": [published(RSA_KEY, "r"), published(EC_KEY, "e")]}
        clock.now += 400
        await gate.user(bearing(RSA_KEY, "r", iat=2))
        assert gate.remembered(given) is None

    async def test_a_key_is_fetched_once_for_many_tokens(self, gate: Authenticator, provider: Provider) -> None:
        provider.document = {"keys": [published(EC_KEY, "e")]}
        for _ in range(5):
            await gate.user(bearing(EC_KEY, "e"))
        assert provider.requests == 1

    async def test_unknown_keys_do_not_flood_the_provider(
        self, gate: Authenticator, provider: Provider, clock: Clock
    ) -> None:
        provider.document = {"keys": [published(EC_KEY, "e")]}
        for seconds in (0.0, 1.0, 9.5):
            clock.now = 1000.0 + seconds
            for number in range(5):
                with pytest.raises(Unauthorized):
                    await gate.user(bearing(RSA_KEY, f"unknown {number}"))
        assert provider.requests == 1

    async def test_a_rotated_key_is_found_without_a_restart(
        self, gate: Authenticator, provider: Provider, clock: Clock
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "old")]}
        await gate.user(bearing(RSA_KEY, "old"))
        provider.document = {"keys": [published(RSA_KEY, "old"), published(ROTATED_KEY, "new")]}
        clock.now += 11
        assert (await gate.user(bearing(ROTATED_KEY, "new"))).id == "ada"
        assert (await gate.user(bearing(RSA_KEY, "old"))).id == "ada"
        assert provider.requests == 2

    async def test_a_withdrawn_key_expires_with_its_lifespan(
        self, gate: Authenticator, provider: Provider, clock: Clock
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "old"), published(EC_KEY, "e")]}
        await gate.user(bearing(RSA_KEY, "old"))
        provider.document = {"keys": [published(EC_KEY, "e")]}
        clock.now += 299
        assert (await gate.user(bearing(RSA_KEY, "old"))).id == "ada"
        clock.now += 2
        with pytest.raises(Unauthorized):
            await gate.user(bearing(RSA_KEY, "old"))

    @pytest.mark.parametrize("failure", FAILURES)
    async def test_known_keys_stay_while_the_provider_is_away(
        self, failure: str, gate: Authenticator, provider: Provider, clock: Clock
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        await gate.user(bearing(RSA_KEY, "r"))
        self.fail(provider, failure)
        for _ in range(3):
            clock.now += 400
            assert (await gate.user(bearing(RSA_KEY, "r"))).id == "ada"

    @pytest.mark.parametrize("failure", FAILURES)
    async def test_without_any_key_the_response_is_503(
        self, failure: str, gate: Authenticator, provider: Provider
    ) -> None:
        self.fail(provider, failure)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await gate.user(bearing(RSA_KEY, "r"))
        assert provider.requests <= 1

    async def test_retry_after_is_the_time_until_the_next_fetch(
        self, gate: Authenticator, provider: Provider, clock: Clock
    ) -> None:
        provider.document = {"keys": []}
        for seconds, retry_after in ((0, 10), (7.5, 3), (2.4, 1)):
            clock.now += seconds
            with pytest.raises(Unavailable) as refused:
                await gate.user(bearing(RSA_KEY, "r"))
            assert refused.value.retry_after == retry_after
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        clock.now += 1
        assert (await gate.user(bearing(RSA_KEY, "r"))).id == "ada"

    async def test_only_one_caller_with_a_known_key_waits_for_a_slow_provider(
        self, gate: Authenticator, provider: Provider, clock: Clock
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        await gate.user(bearing(RSA_KEY, "r"))
        provider.open.clear()
        clock.now += 400
        first = asyncio.create_task(gate.user(bearing(RSA_KEY, "r")))
        await until(lambda: requested(provider, 2))
        assert (await gate.user(bearing(RSA_KEY, "r", iat=1))).id == "ada"
        assert not first.done()
        provider.open.set()
        assert (await first).id == "ada"
        assert provider.requests == 2

    async def test_an_unknown_key_waits_for_a_slow_provider_for_a_limited_time(
        self, jwks: Settings, provider: Provider
    ) -> None:
        provider.open.clear()
        keys = KeySet(provider.url, lifespan=300, timeout=BRIEF)
        gate = Authenticator(jwks, keys)
        tokens = [bearing(RSA_KEY, f"unknown {number}") for number in range(3)]
        outcomes = await asyncio.gather(*map(gate.user, tokens), return_exceptions=True)
        assert [type(each) for each in outcomes] == [Unavailable] * 3
        assert provider.requests == 1
        await keys.close()

    async def test_concurrent_unknown_keys_do_not_flood_the_provider(
        self, gate: Authenticator, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(EC_KEY, "e")]}
        tokens = [bearing(EC_KEY, f"unknown {number}") for number in range(50)]
        outcomes = await asyncio.gather(*map(gate.user, [*tokens, bearing(EC_KEY, "e")]), return_exceptions=True)
        assert [type(each) for each in outcomes] == [Unauthorized] * 50 + [User]
        assert provider.requests == 1

    async def test_a_fetch_completes_for_the_others_when_its_first_caller_is_cancelled(
        self, gate: Authenticator, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(EC_KEY, "e")]}
        provider.open.clear()
        first, second = (asyncio.create_task(gate.user(bearing(EC_KEY, "e", iat=each))) for each in (1, 2))
        await until(lambda: requested(provider, 1))
        first.cancel()
        provider.open.set()
        assert (await second).id == "ada"
        assert (first.cancelled(), provider.requests) == (True, 1)

    @pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
    async def test_a_token_cannot_name_its_own_key_or_key_set_url(
        self, name: str, gate: Authenticator, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(RSA_KEY, "r")]}
        with closing(Provider()) as attacker:
            attacker.document = {"keys": [published(ROTATED_KEY, "r")]}
            own_key: object = published(ROTATED_KEY, "r") if name == "jwk" else [attacker.url]
            header = {name: own_key if name in {"jwk", "x5c"} else attacker.url}
            for kid in ("r", attacker.url):
                with pytest.raises(Unauthorized):
                    await gate.user(jwt.encode(claims(), ROTATED_KEY, "RS256", headers={**header, "kid": kid}))
            assert attacker.requests == 0

    @pytest.mark.parametrize("size", [2, 8])
    async def test_an_all_zero_signature_verifies_nothing(
        self, size: int, gate: Authenticator, provider: Provider
    ) -> None:
        provider.document = {"keys": [published(EC_KEY, "e")]}
        with pytest.raises(Unauthorized):
            await gate.user(raw({"alg": "ES256", "kid": "e"}, claims(), bytes(size * 8)))

    def fail(self, provider: Provider, failure: str) -> None:
        if failure == "refused":
            provider.close()
            return
        provider.status, provider.body = FAILURES[failure]
        provider.headers = {"Location": provider.url.replace("jwks", "other")}

    async def test_a_malformed_token_does_not_reach_the_provider(self, gate: Authenticator, provider: Provider) -> None:
        for broken in ("", "a.b.c", raw([], claims()), raw({"alg": "RS256", "kid": 7}, claims()), "x" * 9000):
            with pytest.raises(Unauthorized):
                await gate.user(broken)
        assert provider.requests == 0
