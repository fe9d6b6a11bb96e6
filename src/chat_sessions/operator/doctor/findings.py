"""What a check can find."""

import asyncio
from collections.abc import Awaitable, Sequence
from enum import StrEnum
from typing import NamedTuple

# Longer than any time-out of the parts that are asked.
LIMIT_SECONDS = 15.0


class State(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    SKIPPED = "skipped"


class Finding(NamedTuple):
    """What a check has found; the advice says what to do, where there is something to do."""

    check: str
    state: State
    detail: str
    advice: str | None = None


def ok(check: str, detail: str) -> Finding:
    """Say that all is well."""
    return Finding(check, State.OK, detail)


def warning(check: str, detail: str, advice: str) -> Finding:
    """Say that it works, but not as well as it should."""
    return Finding(check, State.WARNING, detail, advice)


def wrong(check: str, detail: str, advice: str) -> Finding:
    """Say that the service cannot keep its promises like this."""
    return Finding(check, State.WRONG, detail, advice)


def skipped(check: str, reason: str) -> Finding:
    """Say that it could not be looked at, for a reason that another finding tells."""
    return Finding(check, State.SKIPPED, f"not checked, {reason}")


async def isolated(check: str, findings: Awaitable[Sequence[Finding]], limit: float = LIMIT_SECONDS) -> list[Finding]:
    """Return what a check finds; its failing, or taking too long, is a finding as well."""
    try:
        async with asyncio.timeout(limit):
            return list(await findings)
    except TimeoutError:
        return [wrong(check, f"no answer within {limit:g} s", "See whether it hangs, or the network on the way to it.")]
    except Exception as error:  # noqa: BLE001  whatever it is, the next check is still worth its while
        return [wrong(check, f"{type(error).__name__}: {error}", "This was not foreseen; please report it.")]
