"""`python -m chat_sessions` is `chat-sessions`."""

from chat_sessions.cli import app

app()
