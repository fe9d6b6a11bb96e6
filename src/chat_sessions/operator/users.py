"""Checks the users that commands are given."""

import typer

from chat_sessions.contract.storable import is_storable
from chat_sessions.web.auth.tokens import MAX_USER_CHARACTERS


def checked(user: str) -> str:
    """Return the user, or exit with a message if no token that the service accepts can have this `sub`."""
    if not 0 < len(user) <= MAX_USER_CHARACTERS or not is_storable(user):
        raise typer.BadParameter(f"a user has 1 to {MAX_USER_CHARACTERS} characters, in Unicode and without NUL.")
    return user
