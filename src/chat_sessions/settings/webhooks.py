"""The settings of webhooks: which receivers get which events, and how deliveries are signed."""

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Annotated, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode

from chat_sessions.settings.values import split_at_commas as split

WebhookEvent = Literal["session.created", "session.updated", "session.deleted"]

# Standard Webhooks: between 24 and 64 random bytes.
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  not one itself
SECRET_BYTES: Final = range(24, 65)
GENERATE: Final = "generate one with `echo whsec_$(openssl rand -base64 32)`"


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise ValueError("must be URLs such as https://app.example/webhooks, separated by commas")
    if parts.username is not None:
        raise ValueError("must not contain a password; receivers verify the signature instead")
    return url


def _check_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    try:
        key = b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except NotBase64:
        key = b""
    if not text.startswith(SECRET_PREFIX) or len(key) not in SECRET_BYTES:
        raise ValueError(f"must be {SECRET_PREFIX} and 24 to 64 bytes in base64; {GENERATE}")
    return secret


Urls = Annotated[tuple[Annotated[str, AfterValidator(_check_url)], ...], NoDecode, BeforeValidator(split)]
Secrets = Annotated[tuple[Annotated[SecretStr, AfterValidator(_check_secret)], ...], NoDecode, BeforeValidator(split)]
Events = Annotated[tuple[WebhookEvent, ...], NoDecode, BeforeValidator(split)]


class WebhookSettings(BaseSettings):
    """The variables that start with CHAT_WEBHOOK_."""

    webhook_url: Urls = Field(default=(), description="comma-separated URLs of the receivers; none: no webhooks")
    webhook_secret: Secrets = Field(
        default=(),
        validate_default=True,
        description="comma-separated secrets, `whsec_…`; each delivery is signed with all of them, so that one can be "
        "replaced without a gap",
    )
    webhook_events: Events = Field(
        default=("session.deleted",),
        min_length=1,
        description=f"comma-separated events to deliver: {', '.join(f'`{each}`' for each in get_args(WebhookEvent))}",
    )
    webhook_private: bool = Field(
        default=False,
        validate_default=True,
        description="whether receivers may have private addresses, and URLs without TLS",
    )

    @field_validator("webhook_secret")
    @classmethod
    def _check_presence(cls, secrets: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        if info.data.get("webhook_url") and not secrets:
            raise ValueError(f"is required with CHAT_WEBHOOK_URL; {GENERATE}")
        return secrets

    @field_validator("webhook_private")
    @classmethod
    def _check_tls(cls, allowed: bool, info: ValidationInfo) -> bool:  # noqa: FBT001  pydantic's
        urls = info.data.get("webhook_url", ())
        if not allowed and any(urlsplit(url).scheme != "https" for url in urls):
            raise ValueError(
                "must be true for a receiver without https, because anybody on the path can read its deliveries"
            )
        return allowed
