"""The version, which pyproject.toml alone states."""

from importlib.metadata import version

VERSION = version("chat-sessions")
