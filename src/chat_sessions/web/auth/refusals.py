"""Why a token is refused: for the log and the operator, so without anything the token says, save when it expired."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import jwt
from jwt.exceptions import InvalidSubjectError

from chat_sessions.errors import Unauthorized

EXPIRED = "The token has expired; send a new one."
REASONS: Final[Mapping[type[Exception], str]] = {
    jwt.InvalidSignatureError: "its signature does not match the key",
    jwt.ImmatureSignatureError: "its nbf or iat lies in the future",
    jwt.InvalidAudienceError: "its aud does not name CHAT_JWT_AUDIENCE",
    jwt.InvalidIssuerError: "its iss is not CHAT_JWT_ISSUER",
    InvalidSubjectError: "its sub is not a string",
}
MALFORMED = "it is malformed"


@contextmanager
def refusing(token: str) -> Iterator[None]:
    """Turn whatever a bad token makes the libraries raise into Unauthorized."""
    try:
        yield
    except jwt.ExpiredSignatureError as error:
        raise Unauthorized(f"it expired{_at(token)}", detail=EXPIRED) from error
    except jwt.MissingRequiredClaimError as error:
        raise Unauthorized(f"it has no {error.claim}") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Unauthorized(REASONS.get(type(error), MALFORMED)) from error


def _at(token: str) -> str:
    """Tell when; only of a token whose signature was verified, which comes first."""
    try:
        expiry = jwt.decode(token, options={"verify_signature": False})["exp"]
        return f" at {datetime.fromtimestamp(int(expiry), UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return " long ago"
