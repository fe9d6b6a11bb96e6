"""`token --check`: whether the service takes a token, and if not, why."""

import asyncio
import json
from datetime import UTC, datetime

import jwt
import typer

from chat_sessions.contract.user import User
from chat_sessions.errors import Unauthorized, Unavailable
from chat_sessions.operator.console import fail, settings_or_fail
from chat_sessions.settings import Settings
from chat_sessions.telemetry.logs import configure_logging
from chat_sessions.web.auth.key_set import KeySet
from chat_sessions.web.auth.keys import SharedSecret
from chat_sessions.web.auth.tokens import Authenticator

# What has no part in the answer need not be set where the token is looked at.
IRRELEVANT = {"database_url": "postgresql://", "redis_url": "redis://"}


def check(token: str) -> None:
    """Tell what the service's own verifier says; end the command with 1 if it refuses the token."""
    settings = settings_or_fail(IRRELEVANT)
    configure_logging(settings.model_copy(update={"log_format": "console", "log_level": "warning"}))
    try:
        user = asyncio.run(_verified(settings, token))
    except Unauthorized as error:
        fail(f"Refused: {error.reason}.\n{_contents(token)}\n{_expectations(settings)}")
    except Unavailable as error:
        fail(str(error))
    until = datetime.fromtimestamp(user.expires_at, UTC)
    typer.secho(f"Accepted: it speaks for {user.id} until {until:%Y-%m-%dT%H:%M:%SZ}, leeway included.", fg="green")


async def _verified(settings: Settings, token: str) -> User:
    if settings.jwt_secret is not None:
        return await Authenticator(settings, SharedSecret(settings.jwt_secret.get_secret_value())).user(token)
    keys = KeySet(str(settings.jwks_url), lifespan=settings.jwks_lifespan, timeout=settings.jwks_timeout)
    return await Authenticator(settings, keys).user(token)


def _contents(token: str) -> str:
    try:
        content = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return "It cannot be read: three parts of base64url, separated by dots, make a token."
    header, claims = (json.dumps(content[part], ensure_ascii=False, default=str) for part in ("header", "payload"))
    return f"It says of itself (nobody has verified this): header {header}, claims {claims}"


def _expectations(settings: Settings) -> str:
    keys = "CHAT_JWT_SECRET" if settings.jwt_secret else "the keys at CHAT_JWKS_URL"
    expected = {"aud": settings.jwt_audience, "iss": settings.jwt_issuer}
    claims = "".join(f", {name} {value}" for name, value in expected.items() if value is not None)
    return f"The service expects: signed with {' or '.join(settings.algorithms)} by {keys}{claims}; exp and sub."
