"""The sources of keys that the settings name."""

from collections.abc import Sequence

from chat_sessions.settings import Settings
from chat_sessions.web.auth.key_set import KeySet
from chat_sessions.web.auth.keys import KeySource, SharedSecret


def key_sources(settings: Settings) -> Sequence[KeySource]:
    """Return the secret, the published keys or both. They have no algorithm in common."""
    sources: list[KeySource] = []
    if settings.jwt_secret is not None:
        sources.append(SharedSecret(settings.jwt_secret.get_secret_value()))
    if settings.jwks_url is not None:
        sources.append(KeySet(str(settings.jwks_url), lifespan=settings.jwks_lifespan))
    return sources
