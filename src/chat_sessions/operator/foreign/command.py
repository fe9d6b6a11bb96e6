"""The command `import --from`."""

import asyncio
from collections import Counter
from contextlib import aclosing
from typing import BinaryIO

import typer

from chat_sessions.contract.archive import ArchivedSession
from chat_sessions.errors import counted, size_in_words
from chat_sessions.operator import workbench
from chat_sessions.operator.console import REDIS_AWAY, errors_as_messages, fail, settings_or_fail, warn
from chat_sessions.operator.foreign.archive import Limits
from chat_sessions.operator.foreign.chat import LeftOut
from chat_sessions.operator.foreign.export import ForeignExport
from chat_sessions.operator.foreign.files import Progress, UnreadableExport, documents, seekable
from chat_sessions.operator.foreign.readers import READERS
from chat_sessions.operator.foreign.source import Source
from chat_sessions.operator.importer import Outcome, Rejected, Taken
from chat_sessions.operator.progress import progress
from chat_sessions.settings import Settings

BYTES_PER_MEGABYTE = 10**6


def import_chats(user: str, file: BinaryIO, source: Source, *, new_ids: bool, strict: bool) -> None:
    """Import a user's chats from another product."""
    settings = settings_or_fail()
    report = _Report(source, settings, strict=strict)
    with errors_as_messages():
        asyncio.run(_import(settings, user, file, report, new_ids=new_ids))
    if report.error:
        fail(report.error)
    if report.rejected:
        raise typer.Exit(1)


class _Report:
    def __init__(self, source: Source, settings: Settings, *, strict: bool) -> None:
        self.export = ForeignExport(source, Limits(settings.max_message_bytes, settings.max_metadata_bytes))
        self.reader = READERS[source]
        self.rejected = 0
        self.strict = strict
        self.error = ""
        self._counts = Counter[str]()
        self._limit = f" (CHAT_MAX_MESSAGE_BYTES is {size_in_words(settings.max_message_bytes)})"

    def add(self, outcome: Outcome) -> None:
        match outcome:
            case ArchivedSession():
                self._counts.update(sessions=1, messages=len(outcome.messages))
            case Taken(is_here=is_here):
                self._counts["here" if is_here else "deleted"] += 1
            case Rejected(number=number, reason=reason):
                self.rejected += 1
                warn(f"Chat {number}: {reason}.")

    def print(self) -> None:
        sessions, messages = self._counts["sessions"], self._counts["messages"]
        typer.echo(
            f"Imported {counted(sessions, 'session')} with {counted(messages, 'message')} from {self.reader.product}."
        )
        if here := self._counts["here"]:
            typer.echo(f"Already here, and left as they are: {counted(here, 'session')}.")
        if deleted := self._counts["deleted"]:
            typer.echo(f"Deleted here, and not brought back: {counted(deleted, 'session')}.")
        if self.rejected:
            typer.echo(f"Rejected: {counted(self.rejected, 'chat')}.")
        if any(self.export.losses.values()):
            typer.echo("Not kept:")
        for kind in LeftOut:
            if count := self.export.losses[kind]:
                typer.echo(f"{count:9,}  {kind}{self._limit if kind is LeftOut.OVERSIZE else ''}")


async def _import(settings: Settings, user: str, given: BinaryIO, report: _Report, *, new_ids: bool) -> None:
    with seekable(given) as file:
        found = documents(file, report.reader.files)
        with progress("Reading megabytes", sum(each.size for each in found), unit=BYTES_PER_MEGABYTE) as advance:
            async with workbench.opened(settings) as bench:
                records = report.export.records(found, Progress(advance))
                async with aclosing(bench.importer.run(user, records, new_ids=new_ids)) as outcomes:
                    try:
                        async for outcome in outcomes:
                            report.add(outcome)
                            if report.strict and report.rejected:
                                break
                    except UnreadableExport as error:
                        report.error = str(error)
    report.print()
    if bench.evictor.skipped:
        warn(REDIS_AWAY)
