"""The operator's commands on people's data: purge, erase-user, export, import."""

import asyncio
import os
import sys
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

import typer

from chat_sessions.contract.archive import ArchivedSession
from chat_sessions.operator import workbench
from chat_sessions.operator.bulk import Holdings
from chat_sessions.operator.console import explained, fail, settings_or_fail, warn
from chat_sessions.operator.portability import Refused
from chat_sessions.operator.progress import progress
from chat_sessions.operator.retention import Erasure
from chat_sessions.settings import Settings
from chat_sessions.telemetry.pseudonyms import pseudonyms

REDIS_AWAY = (
    "Redis is away. The service makes its cache good from the outbox before it trusts it again, so nobody gets to see "
    "what is gone; nothing is left to do for that."
)


def purge(days: int, *, dry_run: bool, batch: int) -> None:
    """Delete the sessions that were not used for so long, or count them."""
    settings = settings_or_fail()
    with explained():
        asyncio.run(_purge(settings, days, dry_run=dry_run, batch=batch))


async def _purge(settings: Settings, days: int, *, dry_run: bool, batch: int) -> None:
    async with workbench.opened(settings) as bench:
        cutoff = await bench.bulk.cutoff(days)
        total = await bench.bulk.count_unused(cutoff)
        since = f"since {cutoff:%Y-%m-%d %H:%M} UTC"
        if dry_run:
            typer.echo(f"{_sessions(total)} not used {since}. Without --dry-run they are deleted for good.")
            return
        sessions = messages = 0
        with progress("Deleting sessions", total) as advance:
            async for each in bench.purge.run(cutoff, batch):
                sessions, messages = sessions + len(each), messages + each.messages
                advance(len(each))
        typer.echo(f"Deleted {_sessions(sessions)} with {_messages(messages)}, not used {since}.")
        if bench.evictor.skipped:
            warn(REDIS_AWAY)


def erase_user(user: str, *, yes: bool) -> None:
    """Erase all that there is of a user, look whether it is gone, and say what was found."""
    settings = settings_or_fail()
    if not yes:
        typer.confirm(f"Erase all chats of the user {user!r} for good?", abort=True)
    with explained():
        done = asyncio.run(_erase(settings, user))
    # Not by name: what is printed here ends up in logs.
    name = pseudonyms(settings.log_user_key)(user)
    typer.echo(f"User {name}: erased {_sessions(done.sessions)} with {_messages(done.messages)}.")
    _tell_what_is_left(done, settings.tombstone_hours)


async def _erase(settings: Settings, user: str) -> Erasure:
    async with workbench.opened(settings) as bench:
        return await bench.eraser.erase(user)


def _tell_what_is_left(done: Erasure, hours: int) -> None:
    typer.echo(f"  Postgres  {_held(done.left)}")
    redis = "not looked at" if done.keys_left is None else f"{done.keys_left} keys left"
    typer.echo(f"  Redis     {redis}")
    if done.keys_left is None:
        fail(f"{REDIS_AWAY} To see it confirmed, run this again when Redis is back.")
    if not done.complete:
        fail("Not everything is gone: the user is writing right now. Withdraw their access, then run this again.")
    typer.echo("Looked, and found nothing.")
    if done.tombstones:
        typer.echo(
            f"The ids of {_sessions(done.tombstones)} are kept with the user's for up to {hours} h, so that no late "
            "writer brings a chat back; then the service deletes them."
        )


def _held(left: Holdings) -> str:
    return f"{_sessions(left.sessions)}, {_messages(left.messages)}, {left.notes} notes in the outbox left"


def export(user: str, output: Path | None) -> None:
    """Write all sessions of a user as NDJSON."""
    settings = settings_or_fail()
    if output is None:
        with explained():
            count = asyncio.run(_export(settings, user, sys.stdout.buffer))
        sys.stdout.flush()
    else:
        # Under another name until it is complete.
        unfinished = output.with_name(f"{output.name}.unfinished")
        with explained(), _private(unfinished) as file:
            count = asyncio.run(_export(settings, user, file))
        unfinished.replace(output)
    typer.echo(f"Exported {_sessions(count)}.", err=True)


def _private(path: Path) -> BinaryIO:
    try:
        path.unlink(missing_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")


async def _export(settings: Settings, user: str, out: BinaryIO) -> int:
    async with workbench.opened(settings) as bench:
        return await bench.exporter.run(user, out)


def import_sessions(user: str, file: BinaryIO, *, new_ids: bool, strict: bool) -> None:
    """Create the sessions of an export for a user."""
    settings = settings_or_fail()
    with explained():
        refused = asyncio.run(_import(settings, user, file, new_ids=new_ids, strict=strict))
    if refused:
        raise typer.Exit(1)


async def _import(settings: Settings, user: str, file: BinaryIO, *, new_ids: bool, strict: bool) -> int:
    sessions = messages = refused = 0
    async with (
        workbench.opened(settings) as bench,
        aclosing(bench.importer.run(user, file, new_ids=new_ids)) as outcomes,
    ):
        async for outcome in outcomes:
            match outcome:
                case ArchivedSession():
                    sessions, messages = sessions + 1, messages + len(outcome.messages)
                case Refused(line, reason):
                    refused += 1
                    warn(f"Line {line}: {reason}.")
                    if strict:
                        break
    stopped = " and stopped there" if strict and refused else ""
    lines = f"; refused {refused} line{'s'[: refused != 1]}{stopped}" if refused else ""
    typer.echo(f"Imported {_sessions(sessions)} with {_messages(messages)}{lines}.")
    if bench.evictor.skipped:
        warn(REDIS_AWAY)
    return refused


def _sessions(count: int) -> str:
    return f"{count:,} session{'s'[: count != 1]}"


def _messages(count: int) -> str:
    return f"{count:,} message{'s'[: count != 1]}"
