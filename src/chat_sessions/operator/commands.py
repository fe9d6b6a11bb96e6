"""The operator's commands on user data: purge, erase-user, export, import."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

import typer

from chat_sessions.contract.archive import ArchivedSession
from chat_sessions.errors import counted
from chat_sessions.operator import workbench
from chat_sessions.operator.bulk import RowCounts
from chat_sessions.operator.console import REDIS_AWAY, errors_as_messages, fail, settings_or_fail, warn
from chat_sessions.operator.deletion import Erasure
from chat_sessions.operator.importer import Rejected, Taken
from chat_sessions.operator.lines import records
from chat_sessions.operator.output import opened
from chat_sessions.operator.progress import progress
from chat_sessions.settings import Settings
from chat_sessions.telemetry.pseudonyms import pseudonyms


def purge(days: int, *, dry_run: bool, batch: int) -> None:
    """Delete, or with `dry_run` count, the sessions unused for that many days."""
    settings = settings_or_fail()
    with errors_as_messages():
        asyncio.run(_purge(settings, days, dry_run=dry_run, batch=batch))


async def _purge(settings: Settings, days: int, *, dry_run: bool, batch: int) -> None:
    async with workbench.opened(settings) as bench:
        cutoff = await bench.bulk.cutoff(days)
        total = await bench.bulk.count_unused(cutoff)
        since = f"since {cutoff:%Y-%m-%d %H:%M} UTC"
        if dry_run:
            typer.echo(f"{counted(total, 'session')} not used {since}. Run without --dry-run to delete for good.")
            return
        sessions = messages = 0
        with progress("Deleting sessions", total) as advance:
            async for each in bench.purge.run(cutoff, batch):
                sessions, messages = sessions + len(each), messages + each.messages
                advance(len(each))
        typer.echo(f"Deleted {counted(sessions, 'session')} with {counted(messages, 'message')}, not used {since}.")
        if bench.evictor.skipped:
            warn(REDIS_AWAY)


def erase_user(user: str, *, yes: bool) -> None:
    """Erase all data of a user, verify that it is gone, and print the result."""
    settings = settings_or_fail()
    if not yes:
        typer.confirm(f"Erase all chats of user {user!r} for good?", abort=True)
    with errors_as_messages():
        done = asyncio.run(_erase(settings, user))
    # A pseudonym, because this output ends up in logs.
    name = pseudonyms(settings.log_user_key)(user)
    typer.echo(f"User {name}: erased {counted(done.sessions, 'session')} with {counted(done.messages, 'message')}.")
    _print_remains(done, settings.tombstone_hours)


async def _erase(settings: Settings, user: str) -> Erasure:
    async with workbench.opened(settings) as bench:
        return await bench.eraser.erase(user)


def _print_remains(done: Erasure, hours: int) -> None:
    typer.echo(f"  Postgres  {_remains(done.left)}")
    redis = "not checked" if done.keys_left is None else f"{counted(done.keys_left, 'key')} left"
    typer.echo(f"  Redis     {redis}")
    if done.keys_left is None:
        fail(f"{REDIS_AWAY} Run this again when Redis is back to verify.")
    if not done.complete:
        fail("Some data is left because the user is still writing. Revoke their access, then run this again.")
    typer.echo("Verified: nothing is left.")
    if done.tombstones:
        typer.echo(
            f"Tombstones keep the ids of {counted(done.tombstones, 'session')} and the user's id for up to {hours} h, "
            "so that no late writer restores a session; then the service deletes them."
        )


def _remains(left: RowCounts) -> str:
    notes = counted(left.notes, "outbox note")
    return f"{counted(left.sessions, 'session')}, {counted(left.messages, 'message')}, {notes} left"


def export(user: str, output: Path | None) -> None:
    """Write all sessions of a user as NDJSON."""
    settings = settings_or_fail()
    with opened(output) as file, errors_as_messages():
        count = asyncio.run(_export(settings, user, file))
    typer.echo(f"Exported {counted(count, 'session')}.", err=True)


async def _export(settings: Settings, user: str, out: BinaryIO) -> int:
    async with workbench.opened(settings) as bench:
        return await bench.exporter.run(user, out)


def import_sessions(user: str, file: BinaryIO, *, new_ids: bool, strict: bool) -> None:
    """Create the sessions of an export for a user."""
    settings = settings_or_fail()
    with errors_as_messages():
        rejected = asyncio.run(_import(settings, user, file, new_ids=new_ids, strict=strict))
    if rejected:
        raise typer.Exit(1)


async def _import(settings: Settings, user: str, file: BinaryIO, *, new_ids: bool, strict: bool) -> int:
    sessions = messages = rejected = 0
    async with (
        workbench.opened(settings) as bench,
        aclosing(bench.importer.run(user, records(file), new_ids=new_ids)) as outcomes,
    ):
        async for outcome in outcomes:
            match outcome:
                case ArchivedSession():
                    sessions, messages = sessions + 1, messages + len(outcome.messages)
                case Rejected(number=line, reason=reason):
                    rejected += 1
                    warn(f"Line {line}: {reason}.")
                case Taken(number=line, is_here=is_here):
                    rejected += 1
                    why = "is already here" if is_here else "was deleted recently"
                    warn(f"Line {line}: a session with this id {why}; use --new-ids to mint ids.")
            if strict and rejected:
                break
    stopped = " and stopped there" if strict and rejected else ""
    lines = f"; rejected {counted(rejected, 'line')}{stopped}" if rejected else ""
    typer.echo(f"Imported {counted(sessions, 'session')} with {counted(messages, 'message')}{lines}.")
    if bench.evictor.skipped:
        warn(REDIS_AWAY)
    return rejected
