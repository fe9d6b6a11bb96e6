"""Prints the findings: one line each, or one JSON document."""

import asyncio
import json
import logging

import structlog
import typer

from chat_sessions.errors import counted
from chat_sessions.operator.doctor import examine
from chat_sessions.operator.doctor.findings import Finding, FindingState

COLORS = {
    FindingState.OK: "green",
    FindingState.WARNING: "yellow",
    FindingState.WRONG: "red",
    FindingState.SKIPPED: "bright_black",
}


def report(*, as_json: bool) -> bool:
    """Run all checks, print the findings and return whether nothing is wrong."""
    # Log lines would break the JSON document.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found = asyncio.run(_examine(quietly=as_json))
    wrong = sum(each.state is FindingState.WRONG for each in found)
    warnings = sum(each.state is FindingState.WARNING for each in found)
    if as_json:
        typer.echo(json.dumps([each._asdict() for each in found], indent=2))
    else:
        typer.echo(f"\n{wrong} wrong, {counted(warnings, 'warning')}." if wrong or warnings else "\nAll good.")
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
