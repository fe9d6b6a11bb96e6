"""The command line: `chat-sessions serve`, and the commands of operators and developers."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from chat_sessions.operator.console import errors_as_messages, fail, settings_or_fail
from chat_sessions.operator.foreign.source import Source
from chat_sessions.settings import Settings
from chat_sessions.settings.environment import variable_of
from chat_sessions.version import VERSION

# Commands import what they need: doctor must run even where the rest cannot be imported.
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

# Longer than the slowest statement; orchestrators kill after 30 s.
SHUTDOWN_SECONDS = 20
# uvicorn's timeout for a worker's start, which on SIGHUP keeps the old worker, and for its health check.
WORKER_START_SECONDS = 30
DAY = 24 * 60 * 60
MAX_DAYS = 100 * 365


def _checked_user(user: str | None) -> str | None:
    from chat_sessions.operator import users

    return None if user is None else users.checked(user)


THE_USER = "The user, as in the `sub` of their tokens."
UserOption = Annotated[str, typer.Option("--user", callback=_checked_user, help=THE_USER)]


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Keep the chat sessions of an AI product, and delete them for good."""
    del version


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: CHAT_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on. Default: CHAT_PORT, then PORT.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Worker processes, each with its own query engine. Default: CHAT_WORKERS."),
    ] = None,
) -> None:
    """Serve the API, and the sidebar at / if CHAT_FRONTEND_DIR is set."""
    import uvicorn

    from chat_sessions.supervisor import replace_dead_workers_at_once
    from chat_sessions.telemetry.logs import capture_warnings_and_crashes, configure_logging, log_unknown_variables
    from chat_sessions.telemetry.peers import socket_folder

    given = {"host": host, "port": port, "workers": workers}
    options = {name: value for name, value in given.items() if value is not None}
    settings = settings_or_fail(options)
    configure_logging(settings)
    capture_warnings_and_crashes()
    log_unknown_variables()
    # All workers, and their replacements, have these options and share one key for pseudonyms.
    os.environ.update({variable_of(name): str(value) for name, value in options.items()})
    os.environ["CHAT_LOG_USER_KEY"] = settings.log_user_key.get_secret_value()
    _fail_if_taken(settings.host, settings.port)
    # uvicorn raises the signal again after a graceful shutdown, which is a success.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    replace_dead_workers_at_once()
    with socket_folder(settings.workers):
        uvicorn.run(
            "chat_sessions.server:from_environment",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            http="chat_sessions.web.connection.http:BoundedProtocol",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            # Nothing depends on the client's address or scheme.
            proxy_headers=False,
            timeout_keep_alive=settings.keep_alive_timeout,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            timeout_worker_healthcheck=WORKER_START_SECONDS,
        )


@app.command()
def migrate(
    database_url: Annotated[str, typer.Option(envvar="CHAT_DATABASE_URL", help="The database to migrate.")],
    *,
    citus: Annotated[bool, typer.Option("--citus", help="Also distribute the tables over a Citus cluster.")] = False,
) -> None:
    """Apply pending migrations. Safe to repeat and to run concurrently."""
    from chat_sessions.store.migrations import migrate_deploy

    with errors_as_messages():
        migrate_deploy(database_url, report=typer.echo, citus=citus)


@app.command()
def token(  # noqa: PLR0913, PLR0917  options
    user: Annotated[str | None, typer.Option(callback=_checked_user, help="The user: `sub` of the token.")] = None,
    secret: Annotated[str | None, typer.Option(envvar="CHAT_JWT_SECRET", help="The HS256 secret to sign with.")] = None,
    ttl: Annotated[int, typer.Option(min=1, max=MAX_DAYS * DAY, help="Seconds until the token expires.")] = DAY,
    audience: Annotated[
        str | None, typer.Option(envvar="CHAT_JWT_AUDIENCE", help="`aud` of the token; of several, the first.")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option(envvar="CHAT_JWT_ISSUER", help="`iss` of the token; of several, the first.")
    ] = None,
    check: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Verify this token instead of minting one; - reads stdin.")
    ] = None,
) -> None:
    """Mint a token for a user, or verify one with --check."""
    from chat_sessions.operator import tokens

    if check is not None:
        tokens.check(sys.stdin.read().strip() if check == "-" else check)
        return
    if user is None or secret is None:
        missing = "--user" if user is None else "--secret (or CHAT_JWT_SECRET)"
        raise typer.BadParameter("required to mint a token.", param_hint=missing)
    tokens.mint(user, secret, ttl=ttl, audience=audience, issuer=issuer)


@app.command(name="openapi")
def print_openapi() -> None:
    """Print the OpenAPI document."""
    from chat_sessions.app import create_app
    from chat_sessions.web import openapi

    placeholders = {"database_url": "postgresql://", "redis_url": "redis://", "jwt_secret": "not a secret" * 3}
    typer.echo(openapi.render(create_app(Settings.model_validate(placeholders))), nl=False)


@app.command()
def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, for scripts.")] = False
) -> None:
    """Check configuration, keys, engine, Postgres, Citus, Redis and webhooks; exit with 1 if anything is wrong."""
    from chat_sessions.operator.doctor.report import report

    if not report(as_json=as_json):
        raise typer.Exit(1)


@app.command()
def purge(
    inactive_days: Annotated[
        int,
        typer.Option(min=1, max=MAX_DAYS, help="Delete sessions without a new message for this many days."),
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
    batch: Annotated[int, typer.Option(min=1, max=5000, help="Sessions per transaction.")] = 500,
) -> None:
    """Delete all users' unused sessions. Safe to interrupt and to repeat."""
    from chat_sessions.operator import commands

    commands.purge(inactive_days, dry_run=dry_run, batch=batch)


@app.command()
def erase_user(
    user: Annotated[str, typer.Argument(callback=_checked_user, help=THE_USER)],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Erase all data of a user and verify that it is gone. Revoke their access first."""
    from chat_sessions.operator import commands

    commands.erase_user(user, yes=yes)


@app.command()
def export(
    user: UserOption,
    output: Annotated[Path | None, typer.Option(dir_okay=False, help="Output file. Default: stdout.")] = None,
) -> None:
    """Export a user's sessions with their messages as NDJSON."""
    from chat_sessions.operator import commands

    commands.export(user, output)


@app.command(name="import")
def import_sessions(
    user: UserOption,
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="An export. Default: stdin.", show_default=False)] = "-",  # type: ignore[assignment]
    *,
    source: Annotated[
        Source | None, typer.Option("--from", help="The product that wrote the file. Default: chat-sessions.")
    ] = None,
    new_ids: Annotated[bool, typer.Option("--new-ids", help="Mint a new id for every session.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first rejected line or chat.")] = False,
) -> None:
    """Import an export with its ids, sequences, timestamps and pins, or the chats of another product."""
    from chat_sessions.operator import commands
    from chat_sessions.operator.foreign import command

    if source is not None:
        command.import_chats(user, file, source, new_ids=new_ids, strict=strict)
        return
    commands.import_sessions(user, file, new_ids=new_ids, strict=strict)


@app.command()
def webhooks(
    *,
    retry: Annotated[bool, typer.Option("--retry", help="Retry all waiting deliveries now.")] = False,
    discard: Annotated[str | None, typer.Option(metavar="URL", help="Discard this receiver's deliveries.")] = None,
) -> None:
    """Show the waiting deliveries of each webhook receiver, and their last error."""
    from chat_sessions.operator import webhooks as command

    command.webhooks(retry=retry, discard=discard)


def _fail_if_taken(host: str, port: int) -> None:
    """Fail early: uvicorn would only log it, after the query engine has started."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        fail(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port or --host.")
