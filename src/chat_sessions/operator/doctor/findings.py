"""The findings of a check."""

import asyncio
from collections.abc import Awaitable, Sequence
from enum import StrEnum
from typing import NamedTuple

# Longer than any timeout inside the checks.
TIMEOUT_SECONDS = 15.0


class FindingState(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    SKIPPED = "skipped"


class Finding(NamedTuple):
    """The result of a check, with advice if there is something to fix."""

    check: str
    state: FindingState
    detail: str
    advice: str | None = None


def ok(check: str, detail: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(check, FindingState.OK, detail)


def warning(check: str, detail: str, advice: str) -> Finding:
    """Return a finding that should be fixed, although the service works."""
    return Finding(check, FindingState.WARNING, detail, advice)


def wrong(check: str, detail: str, advice: str) -> Finding:
    """Return a finding that breaks a promise of the service."""
    return Finding(check, FindingState.WRONG, detail, advice)


def skipped(check: str, reason: str) -> Finding:
    """Return a finding for a check that could not run; another finding has the cause."""
    return Finding(check, FindingState.SKIPPED, f"not checked: {reason}")


async def isolated(
    check: str,
    findings: Awaitable[Sequence[Finding]],
    timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109  its own
) -> list[Finding]:
    """Run a check; a failure or a timeout is a finding as well."""
    try:
        async with asyncio.timeout(timeout):
            return list(await findings)
    except TimeoutError:
        return [wrong(check, f"timed out after {timeout:g} s", "Check whether it hangs, and the network to it.")]
    except Exception as error:  # noqa: BLE001  the other checks still run
        return [wrong(check, f"{type(error).__name__}: {error}", "Unexpected error; please report it.")]
