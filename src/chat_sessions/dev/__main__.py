"""`python -m chat_sessions.dev`, which `make dev` runs."""

from pathlib import Path
from typing import Annotated

import typer

from chat_sessions.dev.serving import DevError, run
from chat_sessions.errors import ChatSessionsError
from chat_sessions.operator.console import fail
from chat_sessions.settings import ConfigurationError


def main(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    data: Annotated[Path, typer.Option(help="Data folder of the embedded servers.")] = Path(".data"),
) -> None:
    """Serve with embedded servers and demo data."""
    try:
        run(port=port, data=data)
    except (ChatSessionsError, ConfigurationError, DevError) as error:
        fail(str(error))


if __name__ == "__main__":
    typer.run(main)
