"""Shows the findings: a line each for people, or one document for scripts."""

import asyncio
import json
import logging

import structlog
import typer

from chat_sessions.operator.doctor import examine
from chat_sessions.operator.doctor.findings import Finding, State

COLORS = {State.OK: "green", State.WARNING: "yellow", State.WRONG: "red", State.SKIPPED: "bright_black"}


def report(*, as_json: bool) -> bool:
    """Examine, show, and return whether nothing is wrong."""
    # The findings say it all; a line of the log among them would break the document.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found = asyncio.run(_examine(quietly=as_json))
    wrong, warnings = (sum(each.state is state for each in found) for state in (State.WRONG, State.WARNING))
    if as_json:
        typer.echo(json.dumps([each._asdict() for each in found], indent=2))
    else:
        typer.echo(f"\n{wrong} wrong, {warnings} to consider." if wrong or warnings else "\nAll is well.")
    return not wrong


async def _examine(*, quietly: bool) -> list[Finding]:
    found = []
    async for finding in examine():
        found.append(finding)
        if not quietly:
            _show(finding)
    return found


def _show(finding: Finding) -> None:
    state = typer.style(f"{finding.state:<8}", fg=COLORS[finding.state], bold=True)
    advice = f" -> {finding.advice}" if finding.advice else ""
    typer.echo(f"{state} {finding.check:<13} {finding.detail}{advice}")
