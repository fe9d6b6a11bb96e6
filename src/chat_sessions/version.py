"""The version, from pyproject.toml."""

from importlib.metadata import version

VERSION = version("chat-sessions")
