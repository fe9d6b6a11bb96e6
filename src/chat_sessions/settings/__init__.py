"""The configuration: what the environment may say, and what is wrong with it."""

from chat_sessions.settings.settings import (
    MAX_SOCKET_FOLDER_BYTES,
    PUBLISHED_ALGORITHMS,
    Algorithm,
    ConfigurationError,
    Settings,
    load_settings,
)

__all__ = [
    "MAX_SOCKET_FOLDER_BYTES",
    "PUBLISHED_ALGORITHMS",
    "Algorithm",
    "ConfigurationError",
    "Settings",
    "load_settings",
]
