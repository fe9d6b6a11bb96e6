"""Whether the settings are complete, and there is none that nobody reads."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chat_sessions.operator.doctor.findings import Finding, ok, warning, wrong
from chat_sessions.settings import ConfigurationError, Settings, load_settings
from chat_sessions.settings.environment import unknown_variables, variable_of

# Where a variable is wrong, so that the rest can be looked at all the same.
STAND_INS = {
    "database_url": "postgresql://",
    "redis_url": "redis://",
    "jwt_secret": "a stand-in that signs nothing, ever",
    "port": "8000",
    "log_user_key": "a stand-in that names nobody",
}

Complaints = Mapping[str, str]


def usable() -> tuple[Settings, Complaints]:
    """Return settings that can be worked with, and by the names of those that are wrong what is wrong with them."""
    complaints: dict[str, str] = {}
    overrides: dict[str, Any] = {}
    while True:
        try:
            return load_settings(overrides), complaints
        except ConfigurationError as error:
            for line in str(error).splitlines():
                name = line.partition(": ")[0].removeprefix("CHAT_").lower()
                if name in complaints:
                    raise
                complaints[name] = line
                overrides[name] = STAND_INS.get(name, Settings.model_fields[name].default)
                if name == "jwks_url":
                    overrides["jwt_secret"] = STAND_INS["jwt_secret"]


def findings(complaints: Complaints) -> Iterator[Finding]:
    """Tell what is set, what is wrong, and what is a slip of the pen."""
    given = sorted({variable_of(name) for name in Settings.model_fields} & os.environ.keys())
    for complaint in complaints.values():
        yield wrong("configuration", complaint, "Set it in the environment; docs/operations.md lists every variable.")
    for name, meant in unknown_variables(Settings.model_fields):
        advice = f"Did you mean {meant}?" if meant else "Remove it; docs/operations.md lists every variable."
        yield warning("configuration", f"{name} is set, but nothing reads it", advice)
    if not complaints:
        yield ok("configuration", f"set: {', '.join(given)}; defaults for the rest")
    yield from _log_user_key()
    yield from _frontend()


def _log_user_key() -> Iterator[Finding]:
    if os.environ.get("CHAT_JWKS_URL") and not os.environ.get("CHAT_LOG_USER_KEY"):
        detail = "CHAT_LOG_USER_KEY is not set: a user has another name in the log of each host and after each start"
        yield warning("configuration", detail, "Set it to the same value everywhere: `openssl rand -hex 32` makes one.")


def _frontend() -> Iterator[Finding]:
    folder = os.environ.get("CHAT_FRONTEND_DIR")
    if folder and not Path(folder, "index.html").is_file():
        advice = "Build the sidebar (`make install`) and name its dist/ folder, or unset the variable."
        yield wrong("configuration", f"CHAT_FRONTEND_DIR: {folder} has no index.html", advice)
