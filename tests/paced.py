"""`chat-sessions` as a separate process at test pace, which no environment variable can set in production."""

import json
import os

from chat_sessions import cli
from chat_sessions.settings import Settings

PACE = ("cache_hold", "sweep_interval", "lease_slack")


def environment(settings: Settings) -> dict[str, str]:
    pace = json.dumps({name: getattr(settings, name) for name in PACE})
    return {"PACE": pace, "CHAT_REDIS_TIMEOUT": str(settings.redis_timeout)}


# The workers of `serve --workers` import this module as well; so do the tests, which set no pace.
if "PACE" in os.environ:
    for name, seconds in json.loads(os.environ["PACE"]).items():
        setattr(Settings, name, seconds)
    # Production limits this timeout, but a busy machine must not look like a slow Redis.
    timeout = Settings.model_fields["redis_timeout"]
    timeout.metadata = [each for each in timeout.metadata if not hasattr(each, "le")]
    Settings.model_rebuild(force=True)

if __name__ == "__main__":
    # A busy machine may take longer than production tolerates to start a worker.
    cli.WORKER_START_SECONDS = 90
    cli.app()
