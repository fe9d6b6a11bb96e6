"""The command `token`: mints a token, or says whether the service accepts one, and if not, why."""

import asyncio
import json
from datetime import UTC, datetime

import jwt
import typer

from chat_sessions.contract.user import User
from chat_sessions.errors import Unauthorized, Unavailable
from chat_sessions.operator.console import fail, settings_or_fail
from chat_sessions.settings import PUBLISHED_ALGORITHMS, Settings
from chat_sessions.settings.values import MIN_SECRET_BYTES, check_length
from chat_sessions.telemetry.logs import configure_logging
from chat_sessions.web.auth.sources import key_sources
from chat_sessions.web.auth.tokens import MAX_EXPIRY, Authenticator, mint_token

# Required settings that do not matter here, so they need not be set.
UNUSED = {"database_url": "postgresql://", "redis_url": "redis://"}


def mint(user: str, secret: str, *, ttl: int, audience: str | None, issuer: str | None) -> None:
    """Print a token, with the first of several audiences and issuers."""
    try:
        check_length(secret, MIN_SECRET_BYTES)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--secret (or CHAT_JWT_SECRET)") from None
    typer.echo(mint_token(secret, user, ttl=ttl, audience=_first(audience), issuer=_first(issuer)))


def _first(names: str | None) -> str | None:
    return None if names is None else names.partition(",")[0].strip()


def check(token: str) -> None:
    """Verify a token as the service does and print the result; exit with 1 if it is rejected."""
    settings = settings_or_fail(UNUSED)
    configure_logging(settings.model_copy(update={"log_format": "console", "log_level": "warning"}))
    try:
        user = asyncio.run(_verify(settings, token))
    except Unauthorized as error:
        fail(f"Rejected: {error.reason}.\n{_contents(token)}\n{_expectations(settings)}")
    except Unavailable as error:
        fail(str(error))
    # With the leeway, even the latest expiry may be past what datetime can hold.
    until = datetime.fromtimestamp(min(user.expires_at, MAX_EXPIRY), UTC)
    typer.secho(f"Accepted for user {user.id} until {until:%Y-%m-%dT%H:%M:%SZ}, leeway included.", fg="green")


async def _verify(settings: Settings, token: str) -> User:
    return await Authenticator(settings, *key_sources(settings)).user(token)


def _contents(token: str) -> str:
    try:
        content = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return "Cannot decode it: a JWT is three base64url parts separated by dots."
    header, claims = (json.dumps(content[part], ensure_ascii=False, default=str) for part in ("header", "payload"))
    return f"Its contents (not verified): header {header}, claims {claims}"


def _expectations(settings: Settings) -> str:
    secret = ["HS256 by CHAT_JWT_SECRET"] if settings.jwt_secret else []
    published = [f"{' or '.join(PUBLISHED_ALGORITHMS)} by the keys at CHAT_JWKS_URL"] if settings.jwks_url else []
    expected = {"aud": settings.jwt_audience, "iss": settings.jwt_issuer}
    claims = "".join(f", {name} {' or '.join(values)}" for name, values in expected.items() if values)
    return f"Expected: signed with {', or '.join(secret + published)}{claims}; with exp and sub."
