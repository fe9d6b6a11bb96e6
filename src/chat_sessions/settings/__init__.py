"""Settings from the environment, and their errors."""

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
