"""The settings, read from the environment and validated at startup."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import (
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
from pydantic_settings import SettingsConfigDict

from chat_sessions.settings.environment import describe, is_service_of_kubernetes, platform_port
from chat_sessions.settings.values import (
    DatabaseUrl,
    JwtSecret,
    LogUserKey,
    Names,
    Networks,
    Origins,
    RedisUrl,
    RootPath,
    SocketFolder,
)
from chat_sessions.settings.webhooks import WebhookSettings

Algorithm = Literal["HS256", "RS256", "PS256", "ES256", "EdDSA"]
# Asymmetric only: a published secret is no secret.
PUBLISHED_ALGORITHMS: Final[tuple[Algorithm, ...]] = ("RS256", "PS256", "ES256", "EdDSA")


def _log_user_key(others: Mapping[str, Any]) -> SecretStr:
    # Never derived from the Postgres password, which pseudonyms in logs would expose to offline guessing. Tokens expose
    # the JWT secret to that anyway, which is why it is long.
    secret: SecretStr | None = others.get("jwt_secret")
    return secret or SecretStr(secrets.token_hex(32))


class ConfigurationError(Exception):
    """The configuration is invalid; the message names each variable and what to do."""


class Settings(WebhookSettings):
    """The environment variables that start with CHAT_. Times are in seconds, sizes in bytes."""

    # Constants, because all workers must agree on them.
    # How long a change keeps its session out of the cache; slower reads do not fill it.
    cache_hold: ClassVar[float] = 2.0
    # The outbox is swept this often, so a session deleted by SQL may be served for as long.
    sweep_interval: ClassVar[float] = 1.0
    # How much longer than that the cache is trusted without a successful ping (decision 3).
    lease_slack: ClassVar[float] = 0.75
    # Cached list pages per user.
    cache_max_pages: ClassVar[int] = 32
    # How long the session lock of a crashed worker blocks other writers.
    lock_ttl: ClassVar[float] = 10.0
    # Events kept per user for resuming, and for how long after the last one.
    feed_length: ClassVar[int] = 1000
    feed_ttl: ClassVar[int] = 3600

    model_config = SettingsConfigDict(
        env_prefix="CHAT_", env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(
        default_factory=platform_port,
        validate_default=True,
        ge=0,
        le=65535,
        description="port to listen on; defaults to `$PORT` if that is set",
    )
    workers: PositiveInt = Field(default=1, description="worker processes; each has its own query engine")

    database_url: DatabaseUrl = Field(
        description="PostgreSQL, `postgresql://user:password@host:port/name`; `?pgbouncer=true` behind PgBouncer"
    )
    redis_url: RedisUrl = Field(
        description="Redis: `redis://…`, `redis+sentinel://…` or `redis+cluster://…`; `rediss` for TLS"
    )

    jwt_secret: JwtSecret | None = Field(
        default=None, description="HS256 secret, at least 32 bytes; may be combined with `CHAT_JWKS_URL`"
    )
    jwks_url: HttpUrl | None = Field(
        default=None, validate_default=True, description="URL of the provider's RS256, PS256, ES256 or EdDSA keys"
    )
    jwt_audience: Names = Field(default=(), description="accepted values of `aud`, comma-separated")
    jwt_issuer: Names = Field(default=(), description="accepted values of `iss`, comma-separated")
    jwt_leeway: float = Field(default=10, ge=0, le=300, description="tolerated clock skew")
    jwks_lifespan: PositiveFloat = Field(default=300, description="how long fetched keys stay fresh")

    database_pool_size: PositiveInt = Field(default=20, description="Postgres connections per worker")
    database_connect_timeout: PositiveFloat = Field(default=3, description="timeout for opening a connection")
    database_pool_timeout: PositiveFloat = Field(default=5, description="timeout for getting one from the pool")
    # Below query_timeout, so that Postgres cancels a slow statement before the engine is considered hung.
    database_statement_timeout: PositiveFloat = Field(default=8, description="timeout for a statement")
    database_query_timeout: PositiveFloat = Field(
        default=15, description="timeout for a query engine response; after it, the engine restarts"
    )

    # A Redis in the same data centre responds in under a millisecond; one that takes a quarter of a second is slower
    # than Postgres. Two pings of half a second each still fit in a lease.
    redis_timeout: PositiveFloat = Field(
        default=0.25, le=0.5, description="timeout for connecting and for each response; at most 0.5"
    )
    redis_pool_size: int = Field(
        default=32, ge=8, description="connections per worker to each Redis server; at least 8"
    )

    cache_ttl: PositiveInt = Field(default=300, description="TTL of a cached response")
    lock_wait: PositiveFloat = Field(
        default=3, description="how long an append waits for the lock before it returns 409"
    )
    tombstone_hours: PositiveInt = Field(
        default=24, description="hours during which a deleted id cannot be created again"
    )
    feed_heartbeat: PositiveFloat = Field(default=15, description="interval between heartbeats on an event stream")
    feed_streams_per_user: PositiveInt = Field(default=10, description="open event streams per user and worker")

    # At most one per microsecond, the resolution of the script.
    rate_limit: NonNegativeInt = Field(
        default=0,
        le=60_000_000,
        description="requests per minute and user across all workers, then 429; 0 disables it",
    )
    rate_burst: PositiveInt = Field(default=100, le=1_000_000, description="how many of them a user may send at once")

    max_body_bytes: PositiveInt = Field(default=4 * 1024 * 1024, description="largest request body")
    max_message_bytes: PositiveInt = Field(
        default=1024 * 1024, description="largest message as JSON, with numbers written out"
    )
    max_metadata_bytes: PositiveInt = Field(
        default=16 * 1024, description="largest metadata as JSON, with numbers written out"
    )

    # Load balancers reuse connections for a minute (nginx, AWS). One that the service closes first can lose a request.
    keep_alive_timeout: PositiveInt = Field(
        default=75, description="how long an idle connection stays open; longer than your load balancer keeps it"
    )
    # Long enough for slow networks; it cuts off clients that send a byte now and then.
    header_timeout: PositiveFloat = Field(default=10, description="timeout for receiving a request's headers")
    # Half a megabit per second for the largest body.
    transfer_timeout: PositiveFloat = Field(
        default=60,
        description="timeout for receiving a body, and for a client that stops reading its response",
    )
    # Four times the largest token.
    max_header_bytes: PositiveInt = Field(default=32 * 1024, description="largest request line and headers together")
    # Below the usual limit of 1024 open files per process, with room for Redis.
    max_connections: PositiveInt = Field(
        default=900, description="open connections per worker, event streams included; then 503"
    )

    # Kubernetes updates its load balancers within about a second of SIGTERM. Balancers that poll /readyz need their
    # interval times their failure threshold.
    drain_seconds: NonNegativeFloat = Field(
        default=3, le=60, description="how long to keep serving after SIGTERM; 0 without a balancer"
    )

    cors_origins: Origins = Field(default=(), description="comma-separated origins whose pages may call the API")
    root_path: RootPath = Field(
        default="/", validate_default=True, description="path prefix that the reverse proxy strips, such as `/chat`"
    )
    trusted_proxies: Networks = Field(
        default=(), description="comma-separated addresses or networks of proxies whose `X-Forwarded-Prefix` counts"
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="`json`, or `console` for people, which includes exception messages"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="lowest level to log")
    log_user_key: LogUserKey = Field(
        default_factory=_log_user_key,
        description="key for hashing user ids in logs and traces, at least 16 bytes; defaults to `CHAT_JWT_SECRET`, or "
        "a random key per start",
    )
    metrics_dir: SocketFolder | None = Field(
        default=None,
        description="directory through which workers of a host share metrics; `serve --workers` creates one",
    )
    frontend_dir: Path | None = Field(default=None, description="the built sidebar, served at `/`")

    @field_validator("port", mode="before")
    @classmethod
    def _ignore_kubernetes_service(cls, port: object) -> object:
        return platform_port() if is_service_of_kubernetes(port) else port

    # A field validator, because model validators do not run while any field is invalid.
    @field_validator("jwks_url")
    @classmethod
    def _check_key_source(cls, url: HttpUrl | None, info: ValidationInfo) -> HttpUrl | None:
        if url is None and "jwt_secret" in info.data and info.data["jwt_secret"] is None:
            raise ValueError("set this, CHAT_JWT_SECRET (HS256) or both")
        return url

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """The allowed algorithms, whatever a token's header says."""
        secret: tuple[Algorithm, ...] = () if self.jwt_secret is None else ("HS256",)
        return secret if self.jwks_url is None else (*secret, *PUBLISHED_ALGORITHMS)


def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """Read the environment, or raise ConfigurationError with one line per invalid variable."""
    try:
        return Settings.model_validate(overrides or {})
    except ValidationError as error:
        # A default that depends on an invalid setting is not itself invalid.
        errors = [each for each in error.errors(include_input=False) if each["type"] != "default_factory_not_called"]
        raise ConfigurationError("\n".join(map(describe, errors))) from None
