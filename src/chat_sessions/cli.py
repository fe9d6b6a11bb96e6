"""The command line: `chat-sessions serve`, and what operators and developers need beside it."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from chat_sessions.operator.console import explained, fail, settings_or_fail
from chat_sessions.settings import Settings
from chat_sessions.version import VERSION

# A command imports what it needs: doctor has to run where the rest cannot even be imported.
app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)

# Long enough for the slowest statement; orchestrators kill after 30 s.
SHUTDOWN_SECONDS = 20
# Of several workers: on SIGHUP the server gives up on a new one that has not started by then, and keeps the old one. A
# running one that is silent for so long is replaced.
WORKER_START_SECONDS = 30
DAY = 24 * 60 * 60
MAX_DAYS = 100 * 365

User = Annotated[str, typer.Option(help="Whose sessions: the `sub` of their tokens.")]


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
    """Run one of the commands."""
    del version


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on; otherwise CHAT_HOST.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="The port to listen on; otherwise CHAT_PORT, then PORT."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes, each with a query engine of its own; otherwise CHAT_WORKERS."),
    ] = None,
) -> None:
    """Serve the API (and the sidebar at /, if CHAT_FRONTEND_DIR names its build)."""
    import uvicorn

    from chat_sessions.telemetry.logs import configure_logging, log_everything, log_unknown_variables
    from chat_sessions.telemetry.peers import meeting_place

    options = {"host": host, "port": port, "workers": workers}
    settings = settings_or_fail({name: value for name, value in options.items() if value is not None})
    configure_logging(settings)
    log_everything()
    log_unknown_variables()
    # All workers, and those that replace them, name users by the same key.
    os.environ["CHAT_LOG_USER_KEY"] = settings.log_user_key.get_secret_value()
    _fail_if_taken(settings.host, settings.port)
    # The server finishes what runs, then sends itself the signal once more: nothing has failed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with meeting_place(settings.workers):
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
            # Nothing here depends on who asks or under which name.
            proxy_headers=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            timeout_worker_healthcheck=WORKER_START_SECONDS,
        )


@app.command()
def migrate(
    database_url: Annotated[str, typer.Option(envvar="CHAT_DATABASE_URL", help="The database to migrate.")],
) -> None:
    """Bring the database up to date; safe to run twice, also at the same time."""
    from chat_sessions.store.migrations import migrate_deploy

    with explained():
        migrate_deploy(database_url, report=typer.echo)


@app.command()
def token(  # noqa: PLR0913, PLR0917  options
    user: Annotated[str | None, typer.Option(help="Whom the token speaks for: its `sub`.")] = None,
    secret: Annotated[str | None, typer.Option(envvar="CHAT_JWT_SECRET", help="The secret of the service.")] = None,
    ttl: Annotated[int, typer.Option(min=1, help="Seconds until it expires.")] = DAY,
    audience: Annotated[str | None, typer.Option(envvar="CHAT_JWT_AUDIENCE", help="Its `aud`.")] = None,
    issuer: Annotated[str | None, typer.Option(envvar="CHAT_JWT_ISSUER", help="Its `iss`.")] = None,
    check: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Say instead whether this one is accepted (-: from stdin)."),
    ] = None,
) -> None:
    """Print a token for a user, signed with the HS256 secret; with --check, say why one is refused."""
    from chat_sessions.operator import tokens
    from chat_sessions.web.auth.tokens import mint_token

    if check is not None:
        tokens.check(sys.stdin.read().strip() if check == "-" else check)
        return
    if user is None or secret is None:
        missing = "--user" if user is None else "--secret (or CHAT_JWT_SECRET)"
        raise typer.BadParameter("it is required to mint a token.", param_hint=missing)
    typer.echo(mint_token(secret, user, ttl=ttl, audience=audience, issuer=issuer))


@app.command(name="openapi")
def print_openapi() -> None:
    """Print the OpenAPI document."""
    from chat_sessions.app import create_app
    from chat_sessions.web import openapi

    placeholders = {"database_url": "postgresql://", "redis_url": "redis://", "jwt_secret": "not a secret" * 3}
    typer.echo(openapi.render(create_app(Settings.model_validate(placeholders))), nl=False)


@app.command()
def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False) -> None:
    """Look for what is wrong with configuration, Postgres, Redis, engine and keys; exit with 1 if something is."""
    from chat_sessions.operator.doctor.report import report

    if not report(as_json=as_json):
        raise typer.Exit(1)


@app.command()
def purge(
    inactive_days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="Since when nobody has used them.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
    batch: Annotated[int, typer.Option(min=1, max=5000, help="Sessions per transaction.")] = 500,
) -> None:
    """Delete the sessions of all users that nobody has used for some days; safe to interrupt and to repeat."""
    from chat_sessions.operator import commands

    commands.purge(inactive_days, dry_run=dry_run, batch=batch)


@app.command()
def erase_user(
    user: Annotated[str, typer.Argument(help="Who is to be forgotten: the `sub` of their tokens.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase all that there is of a user, and look whether it is gone. Withdraw their access first."""
    from chat_sessions.operator import commands

    commands.erase_user(user, yes=yes)


@app.command()
def export(
    user: User,
    output: Annotated[Path | None, typer.Option(dir_okay=False, help="A file, instead of standard output.")] = None,
) -> None:
    """Write all sessions of a user with their messages, one line of JSON each."""
    from chat_sessions.operator import commands

    commands.export(user, output)


@app.command(name="import")
def import_sessions(
    user: User,
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="What export wrote; standard input by default.")] = "-",  # type: ignore[assignment]
    *,
    new_ids: Annotated[bool, typer.Option("--new-ids", help="Give every session another id.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first line that cannot be imported.")] = False,
) -> None:
    """Create the sessions of an export anew, with their ids, sequences, times and pins."""
    from chat_sessions.operator import commands

    commands.import_sessions(user, file, new_ids=new_ids, strict=strict)


def _fail_if_taken(host: str, port: int) -> None:
    """Say so in words; the server would in its log, after it has started an engine for nothing."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        fail(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port or --host.")
