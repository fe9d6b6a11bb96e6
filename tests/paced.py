"""`chat-sessions` as a process of its own, at the pace of the tests, which no environment gives to the real one."""

import json
import os

from chat_sessions.cli import app
from chat_sessions.settings import Settings

PACE = ("cache_hold", "sweep_interval", "lease_slack")


def environment(settings: Settings) -> dict[str, str]:
    return {"PACE": json.dumps({name: getattr(settings, name) for name in PACE})}


# The workers of `serve --workers` import this module as well.
for name, seconds in json.loads(os.environ.get("PACE", "{}")).items():
    setattr(Settings, name, seconds)

if __name__ == "__main__":
    app()
