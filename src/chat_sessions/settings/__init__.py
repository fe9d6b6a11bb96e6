"""Settings from the environment, and their errors."""

from chat_sessions.settings.settings import (
    PUBLISHED_ALGORITHMS,
    Algorithm,
    ConfigurationError,
    Settings,
    load_settings,
)
from chat_sessions.settings.values import MAX_SOCKET_FOLDER_BYTES

__all__ = [
    "MAX_SOCKET_FOLDER_BYTES",
    "PUBLISHED_ALGORITHMS",
    "Algorithm",
    "ConfigurationError",
    "Settings",
    "load_settings",
]
