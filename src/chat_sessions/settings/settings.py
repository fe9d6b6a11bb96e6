"""Every setting: from the environment, typed, validated before anything starts."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    DirectoryPath,
    Field,
    HttpUrl,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chat_sessions.settings.environment import complaint, is_service_of_kubernetes, platform_port
from chat_sessions.settings.redis_address import RedisAddress

Algorithm = Literal["HS256", "RS256", "PS256", "ES256", "EdDSA"]
# Symmetric ones are not among them: what is published is no secret.
PUBLISHED_ALGORITHMS: Final[tuple[Algorithm, ...]] = ("RS256", "PS256", "ES256", "EdDSA")

# RFC 7518, 3.2: an HS256 key is at least as long as the hash's output.
MIN_SECRET_BYTES = 32
MIN_KEY_BYTES = 16

# The path of a Unix socket ends at 103 bytes on macOS, at 107 on Linux; the file's own name takes up to ten.
MAX_SOCKET_FOLDER_BYTES = 93

POSTGRES_SCHEMES = ("postgresql://", "postgres://")


def _log_user_key(others: Mapping[str, Any]) -> SecretStr:
    # Never from a password of Postgres: names in a log would let people guess it at leisure. Tokens of a secret do that
    # anyway, which is why the secret is long.
    secret: SecretStr | None = others.get("jwt_secret")
    return secret or SecretStr(secrets.token_hex(32))


class ConfigurationError(Exception):
    """The environment does not make a configuration; the message names each variable and what to do."""


class Settings(BaseSettings):
    """The environment variables that start with CHAT_. Times are in seconds, sizes in bytes."""

    # All workers rely on each other's values of these three, so no environment changes them.
    # How long a change keeps its session out of the cache. Slower reads do not fill it; nearly all are quicker.
    cache_hold: ClassVar[float] = 2.0
    # Between two looks into the outbox: how long a session that was deleted with SQL may still be seen.
    sweep_interval: ClassVar[float] = 1.0
    # How much longer than that the cache is trusted without a good ping (decision 3).
    lease_slack: ClassVar[float] = 0.75

    model_config = SettingsConfigDict(
        env_prefix="CHAT_", env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    host: str = Field(default="127.0.0.1", description="the address that `serve` listens on")
    port: int = Field(
        default_factory=platform_port,
        validate_default=True,
        ge=0,
        le=65535,
        description="the port that `serve` listens on; without it `$PORT`, which many platforms set",
    )
    workers: PositiveInt = Field(default=1, description="processes of `serve`; each has a query engine of its own")

    database_url: SecretStr = Field(
        description="PostgreSQL 14 or newer, `postgresql://user:password@host:port/name`; "
        "`?pgbouncer=true` behind PgBouncer",
    )
    redis_url: SecretStr = Field(
        description="Redis 6.2 or newer, `redis://…`, `redis+sentinel://…` or `redis+cluster://…`; `rediss` is TLS",
    )

    jwt_secret: SecretStr | None = Field(
        default=None,
        description="the HS256 secret, 32 bytes at least; this or `CHAT_JWKS_URL` is required",
    )
    jwks_url: HttpUrl | None = Field(
        default=None, validate_default=True, description="where the RS256, PS256, ES256 or EdDSA keys are published"
    )
    jwt_audience: str | None = Field(default=None, description="what `aud` must name")
    jwt_issuer: str | None = Field(default=None, description="what `iss` must be")
    jwt_leeway: float = Field(default=10, ge=0, le=300, description="tolerated difference of clocks")
    jwks_lifespan: PositiveFloat = Field(default=300, description="how long fetched keys count as fresh")
    jwks_timeout: PositiveFloat = Field(default=3, description="limit for fetching them")

    database_pool_size: PositiveInt = Field(default=10, description="connections to Postgres per worker")
    database_connect_timeout: PositiveFloat = Field(default=3, description="limit for opening one")
    database_pool_timeout: PositiveFloat = Field(default=5, description="limit for waiting for a free one")
    # Below query_timeout, so that Postgres ends a slow statement before the engine counts as hung.
    database_statement_timeout: PositiveFloat = Field(default=8, description="limit for one statement")
    database_query_timeout: PositiveFloat = Field(
        default=15,
        description="limit for an answer of the query engine; then it counts as hung and is restarted",
    )

    # A Redis in the same data centre answers in under a millisecond; what takes a quarter of a second
    # is slower than the database that the cache spares. Two pings of half a second each still fit in a lease.
    redis_timeout: PositiveFloat = Field(
        default=0.25, le=0.5, description="limit for connecting and for each answer, 0.5 at most"
    )
    redis_pool_size: int = Field(
        default=32, ge=8, description="connections to each Redis server per worker, 8 at least"
    )

    cache_ttl: PositiveInt = Field(default=300, description="life of a cached answer")
    cache_max_pages: PositiveInt = Field(default=32, description="cached list pages per user")

    lock_ttl: PositiveFloat = Field(default=10, description="life of a session lock whose holder died")
    lock_wait: PositiveFloat = Field(default=3, description="how long an append waits for the lock; then 409")

    tombstone_hours: PositiveInt = Field(default=24, description="how long a deleted id cannot be created anew")

    feed_length: PositiveInt = Field(default=1000, description="events kept per user for resuming")
    feed_ttl: PositiveInt = Field(default=3600, description="life of a user's events after the last one")
    feed_heartbeat: PositiveFloat = Field(default=15, description="pause between two signs of life in a stream")
    feed_streams_per_user: PositiveInt = Field(default=10, description="open streams per user and worker")

    # Up to one a microsecond, the finest that the script counts.
    rate_limit: NonNegativeInt = Field(
        default=0,
        le=60_000_000,
        description="requests per minute and user, for all workers together; then 429; 0 is no limit",
    )
    rate_burst: PositiveInt = Field(default=100, le=1_000_000, description="how many of them at once, after a pause")

    max_body_bytes: PositiveInt = Field(default=4 * 1024 * 1024, description="largest request body")
    max_message_bytes: PositiveInt = Field(
        default=1024 * 1024, description="largest message, as JSON with its numbers written out"
    )
    max_metadata_bytes: PositiveInt = Field(
        default=16 * 1024, description="largest metadata, as JSON with its numbers written out"
    )

    # For clients on slow lines, not for those that send a byte now and then to keep a connection for nothing.
    header_timeout: PositiveFloat = Field(default=10, description="limit for the headers of a request to arrive")
    # The largest body in this time is half a megabit per second.
    transfer_timeout: PositiveFloat = Field(
        default=60,
        description="limit for a body to arrive, and for a client that takes nothing of its answer any more",
    )
    # Four times the largest token, which is the largest header there is need for.
    max_header_bytes: PositiveInt = Field(default=32 * 1024, description="largest request line and headers together")
    # Below the 1024 open files that many systems allow a process, with room for Redis.
    max_connections: PositiveInt = Field(
        default=900,
        description="open connections per worker, event streams among them; then 503",
    )

    # Kubernetes tells its balancers of the end when it tells the process; they follow within about a second.
    # What asks /readyz needs longer: its interval times the failures that it wants to see.
    drain_seconds: NonNegativeFloat = Field(
        default=3, le=60, description="how long a process that is to end serves on, not ready; 0 without a balancer"
    )

    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="origins whose pages may call the API, separated by commas",
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="`json`, or `console`: for people, with the texts of exceptions"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least severity logged")
    log_user_key: SecretStr = Field(
        default_factory=_log_user_key,
        description="key of the names that users have in logs and traces, 16 bytes at least; without it derived from "
        "`CHAT_JWT_SECRET`, or else random at each start",
    )
    metrics_dir: DirectoryPath | None = Field(
        default=None,
        description="folder by which the workers of a host find each other for `/metrics`; `serve --workers` makes one",
    )
    frontend_dir: Path | None = Field(default=None, description="the built sidebar, served at `/`")

    @field_validator("port", mode="before")
    @classmethod
    def _given_by_an_operator(cls, port: object) -> object:
        return platform_port() if is_service_of_kubernetes(port) else port

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("jwt_secret", "log_user_key")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        wanted = MIN_KEY_BYTES if info.field_name == "log_user_key" else MIN_SECRET_BYTES
        if secret is not None and len(secret.get_secret_value().encode()) < wanted:
            message = f"needs at least {wanted} bytes; `openssl rand -hex 32` makes a good one"
            raise ValueError(message)
        return secret

    @field_validator("metrics_dir")
    @classmethod
    def _short_enough(cls, folder: Path | None) -> Path | None:
        if folder is not None and len(os.fsencode(folder)) > MAX_SOCKET_FOLDER_BYTES:
            message = f"its path is too long for sockets: choose one of at most {MAX_SOCKET_FOLDER_BYTES} bytes"
            raise ValueError(message)
        return folder

    @field_validator("database_url")
    @classmethod
    def _of_postgres(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(POSTGRES_SCHEMES):
            message = f"must start with {' or '.join(POSTGRES_SCHEMES)}"
            raise ValueError(message)
        return url

    @field_validator("redis_url")
    @classmethod
    def _of_redis(cls, url: SecretStr) -> SecretStr:
        RedisAddress.parse(url.get_secret_value())
        return url

    # Of a field, because a validator of the whole model does not run while any field is wrong.
    @field_validator("jwks_url")
    @classmethod
    def _one_source_of_keys(cls, url: HttpUrl | None, info: ValidationInfo) -> HttpUrl | None:
        # One kind of key only: a service that takes both invites the confusion of algorithms.
        if "jwt_secret" in info.data and (info.data["jwt_secret"] is None) == (url is None):
            message = "set either this or CHAT_JWT_SECRET (HS256), and not both"
            raise ValueError(message)
        return url

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """The only algorithms a token may be signed with; what the token says of itself picks nothing."""
        return ("HS256",) if self.jwt_secret else PUBLISHED_ALGORITHMS


def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """Read the environment, or raise ConfigurationError with one line for each variable that is wrong."""
    try:
        return Settings.model_validate(overrides or {})
    except ValidationError as error:
        # A default that depends on a wrong setting is not itself wrong.
        wrong = [each for each in error.errors(include_input=False) if each["type"] != "default_factory_not_called"]
        raise ConfigurationError("\n".join(map(complaint, wrong))) from None
