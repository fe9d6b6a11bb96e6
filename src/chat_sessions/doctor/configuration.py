"""Whether the settings are complete, and there is none that nobody reads."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from chat_sessions.doctor.findings import Finding, ok, warning, wrong
from chat_sessions.settings import ConfigurationError, Settings, load_settings

# Where a variable is wrong, so that the rest can be looked at all the same.
STAND_INS = {
    "database_url": "postgresql://",
    "redis_url": "redis://",
    "jwt_secret": "a stand-in that signs nothing, ever",
}
KEYS = {"jwt_secret": STAND_INS["jwt_secret"], "jwks_url": None}

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
                named = re.match(r"CHAT_(\w+): ", line)
                name = named[1].lower() if named else "jwt_secret"
                if name in complaints:
                    raise
                complaints[name] = line
                overrides |= {name: STAND_INS.get(name, Settings.model_fields[name].default)} if named else KEYS


def findings(complaints: Complaints) -> Iterator[Finding]:
    """Tell what is set, what is wrong, and what is a slip of the pen."""
    known = {f"CHAT_{name.upper()}" for name in Settings.model_fields}
    given = {name for name in os.environ if name.startswith("CHAT_")}
    for complaint in complaints.values():
        yield wrong("configuration", complaint, "Set it in the environment; the README lists every variable.")
    for name in sorted(given - known):
        alike = get_close_matches(name, known, n=1)
        advice = f"Did you mean {alike[0]}?" if alike else "Remove it; the README lists every variable."
        yield warning("configuration", f"{name} is set, but nothing reads it", advice)
    if not complaints:
        yield ok("configuration", f"set: {', '.join(sorted(given & known))}; defaults for the rest")
    yield from _frontend()


def _frontend() -> Iterator[Finding]:
    folder = os.environ.get("CHAT_FRONTEND_DIR")
    if folder and not Path(folder, "index.html").is_file():
        advice = "Build the sidebar (`make install`) and name its dist/ folder, or unset the variable."
        yield wrong("configuration", f"CHAT_FRONTEND_DIR: {folder} has no index.html", advice)
