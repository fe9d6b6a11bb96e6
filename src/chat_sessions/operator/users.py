"""Checks the users that commands are given."""

import typer

from chat_sessions.contract.user import MAX_USER_CHARACTERS, is_user


def checked(user: str) -> str:
    """Return the user, or exit with a message if no token that the service accepts can have this `sub`."""
    if not is_user(user):
        raise typer.BadParameter(f"a user has 1 to {MAX_USER_CHARACTERS} characters, in Unicode and without NUL.")
    return user
