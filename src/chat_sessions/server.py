"""The application as an ASGI server imports it."""

from fastapi import FastAPI

from chat_sessions.app import create_app
from chat_sessions.settings import load_settings
from chat_sessions.telemetry import configure_logging


def from_environment() -> FastAPI:
    """Build the application from the environment, or raise ConfigurationError."""
    settings = load_settings()
    configure_logging(settings)
    return create_app(settings)
