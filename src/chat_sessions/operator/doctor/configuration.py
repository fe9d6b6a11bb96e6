"""Whether the settings are complete and valid."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chat_sessions.operator.doctor.findings import Finding, ok, warning, wrong
from chat_sessions.settings import ConfigurationError, Settings, load_settings
from chat_sessions.settings.environment import unknown_variables, variable_of

# Replace invalid variables, so that the other checks can run.
PLACEHOLDERS = {
    "database_url": "postgresql://",
    "redis_url": "redis://",
    "jwt_secret": "a placeholder that signs nothing, ever",
    "port": "8000",
    "log_user_key": "a placeholder that names nobody",
}

#: Error messages by setting.
SettingErrors = Mapping[str, str]


def load_usable() -> tuple[Settings, SettingErrors]:
    """Return settings with placeholders for the invalid ones, and the errors of those."""
    errors: dict[str, str] = {}
    overrides: dict[str, Any] = {}
    while True:
        try:
            return load_settings(overrides), errors
        except ConfigurationError as error:
            for line in str(error).splitlines():
                name = line.partition(": ")[0].removeprefix("CHAT_").lower()
                if name in errors:
                    raise
                errors[name] = line
                overrides[name] = PLACEHOLDERS.get(name, Settings.model_fields[name].default)
                if name == "jwks_url" and not os.environ.get("CHAT_JWT_SECRET"):
                    overrides["jwt_secret"] = PLACEHOLDERS["jwt_secret"]


def findings(errors: SettingErrors) -> Iterator[Finding]:
    """Yield invalid, unknown and risky variables."""
    given = sorted({variable_of(name) for name in Settings.model_fields} & os.environ.keys())
    for error in errors.values():
        yield wrong("configuration", error, "Set it in the environment; docs/operations.md lists every variable.")
    for name, meant in unknown_variables(Settings.model_fields):
        advice = f"Did you mean {meant}?" if meant else "Remove it; docs/operations.md lists every variable."
        yield warning("configuration", f"{name} is set, but there is no such setting", advice)
    if not errors:
        yield ok("configuration", f"set: {', '.join(given)}; defaults for the rest")
    yield from _log_user_key()
    yield from _frontend()


def _log_user_key() -> Iterator[Finding]:
    if not os.environ.get("CHAT_JWT_SECRET") and not os.environ.get("CHAT_LOG_USER_KEY"):
        detail = "CHAT_LOG_USER_KEY is not set: pseudonyms in the logs differ between hosts and change at each start"
        yield warning("configuration", detail, "Set it to the same value everywhere, from `openssl rand -hex 32`.")


def _frontend() -> Iterator[Finding]:
    folder = os.environ.get("CHAT_FRONTEND_DIR")
    if folder and not Path(folder, "index.html").is_file():
        advice = "Build the sidebar (`make install`) and name its dist/ folder, or unset the variable."
        yield wrong("configuration", f"CHAT_FRONTEND_DIR: {folder} has no index.html", advice)
