"""Why a token is rejected, for logs: without any of its contents except when it expired."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import jwt
from jwt.exceptions import InvalidJTIError, InvalidSubjectError

from chat_sessions.errors import Unauthorized

EXPIRED = "The token has expired. Send a new one."
REASONS: Final[Mapping[type[Exception], str]] = {
    jwt.InvalidSignatureError: "its signature does not match the key",
    jwt.ImmatureSignatureError: "its nbf or iat is in the future",
    jwt.InvalidAudienceError: "its aud is not in CHAT_JWT_AUDIENCE",
    jwt.InvalidIssuerError: "its iss is not in CHAT_JWT_ISSUER",
    jwt.InvalidIssuedAtError: "its iat is not a number",
    InvalidJTIError: "its jti is not a string",
    InvalidSubjectError: "its sub is not a string",
}
MALFORMED = "it is malformed"


@contextmanager
def rejecting(token: str) -> Iterator[None]:
    """Raise Unauthorized for every error that a bad token causes in the libraries."""
    try:
        yield
    except jwt.ExpiredSignatureError as error:
        raise Unauthorized(f"it expired{_expiry(token)}", detail=EXPIRED) from error
    except jwt.MissingRequiredClaimError as error:
        raise Unauthorized(f"it has no {error.claim}") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Unauthorized(REASONS.get(type(error), MALFORMED)) from error


def _expiry(token: str) -> str:
    """Return when a token expired; its signature was verified before its expiry."""
    try:
        expiry = jwt.decode(token, options={"verify_signature": False})["exp"]
        return f" at {datetime.fromtimestamp(int(expiry), UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return " long ago"
