"""`make dev`: the service with an embedded Postgres and Redis and demo data."""

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import typer
import uvicorn
from fastapi import APIRouter
from pydantic import BaseModel, Field
from typing_extensions import override

from chat_sessions.app import create_app
from chat_sessions.contract.user import MAX_USER_CHARACTERS
from chat_sessions.dev import demo
from chat_sessions.dev.embedded import EmbeddedServerError, FolderInUse, Postgres, Redis
from chat_sessions.dev.embedded.machine import is_free
from chat_sessions.settings import Settings, load_settings
from chat_sessions.store.migrations import migrate_deploy
from chat_sessions.telemetry.logs import configure_logging
from chat_sessions.web.auth.tokens import mint_token
from chat_sessions.web.connection.http import BoundedProtocol

HOST = "127.0.0.1"
TOKEN_TTL = timedelta(days=1)
SHUTDOWN_SECONDS = 3
FRONTEND = Path(__file__).parents[3] / "frontend" / "dist"


class DevError(Exception):
    """The service cannot start; the message says what to do."""


class DevUser(BaseModel):
    """The user to sign in as."""

    user: str = Field(min_length=1, max_length=MAX_USER_CHARACTERS)


class DevToken(BaseModel):
    """A token of that user."""

    token: str
    expires_at: datetime


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._when_ready()


def run(*, port: int, data: Path) -> None:
    """Serve until Ctrl-C, or raise DevError."""
    with ExitStack() as stack:
        listener = stack.enter_context(_listening(port))
        secret = os.environ.get("CHAT_JWT_SECRET") or secrets.token_hex(32)
        settings = _settings(stack, data, secret, port)
        configure_logging(settings)
        _prepare_database(settings, data)
        app = create_app(settings, sign_in="dev")
        app.include_router(_sign_in(secret), include_in_schema=False)
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        token = mint_token(secret, demo.USER, ttl=int(TOKEN_TTL.total_seconds()))
        greet = partial(_greet, listener.getsockname()[1], token, data)
        # uvicorn raises the signal again after a graceful shutdown, which is a success.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with suppress(KeyboardInterrupt):
            _Server(config, greet).run(sockets=[listener])
    typer.echo(f"Stopped. The data is kept in {data}/.")


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise DevError(f"Port {port} is taken; is another `make dev` running? {_alternative(port)}") from error
        yield listener


def _alternative(port: int) -> str:
    free = next(filter(is_free, range(port + 1, 65_536)))
    return f"To run a second one: `make dev PORT={free} DATA=.data-{free}`"


def _settings(stack: ExitStack, data: Path, secret: str, port: int) -> Settings:
    given = {"jwt_secret": secret, "log_format": "console", "log_level": "warning", "drain_seconds": "0"}
    if FRONTEND.is_dir():
        given["frontend_dir"] = str(FRONTEND)
    try:
        if "CHAT_DATABASE_URL" not in os.environ:
            typer.echo(f"Starting Postgres in {data / 'postgres'}")
            given["database_url"] = stack.enter_context(Postgres(data / "postgres")).url
        if "CHAT_REDIS_URL" not in os.environ:
            typer.echo(f"Starting Redis in {data / 'redis'}")
            given["redis_url"] = stack.enter_context(Redis(data / "redis")).url
    except FolderInUse as error:
        raise DevError(f"{error} {_alternative(port)}") from error
    except EmbeddedServerError as error:
        raise DevError(str(error)) from error
    except OSError as error:
        raise DevError(f"Cannot use the folder {data}: {error.strerror}. Choose another: `make dev DATA=…`") from error
    return load_settings({name: value for name, value in given.items() if f"CHAT_{name.upper()}" not in os.environ})


def _prepare_database(settings: Settings, data: Path) -> None:
    url = settings.database_url.get_secret_value()
    typer.echo("Migrating the database")
    migrate_deploy(url)
    # Once only, so that deleted demo chats stay deleted.
    seeded = data / "seeded"
    if "CHAT_DATABASE_URL" not in os.environ and not seeded.exists():
        typer.echo("Adding the demo chats")
        asyncio.run(demo.seed(url))
        seeded.touch()


def _sign_in(secret: str) -> APIRouter:
    router = APIRouter(prefix="/dev")

    @router.post("/token")
    async def sign_in(body: DevUser) -> DevToken:
        token = mint_token(secret, body.user, ttl=int(TOKEN_TTL.total_seconds()))
        return DevToken(token=token, expires_at=datetime.now(UTC) + TOKEN_TTL)

    return router


def _greet(port: int, token: str, data: Path) -> None:
    base = f"http://{HOST}:{port}"
    typer.secho(f"\n  chat-sessions runs at {base}", bold=True)
    typer.echo(f"""
  API reference   {base}/docs
  User            {demo.USER}, with some chats

  Delete one:

    TOKEN={token}
    SESSIONS={base}/api/chat/sessions
    ID=$(curl -sH "Authorization: Bearer $TOKEN" $SESSIONS?limit=1 | grep -Eo '[0-9a-f-]{{36}}' | head -1)
    curl -i -X DELETE -H "Authorization: Bearer $TOKEN" $SESSIONS/$ID

  Ctrl-C stops everything; the data stays in {data}/.
""")
