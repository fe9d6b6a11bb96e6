"""The application as the server gets it."""

import subprocess
import sys

from chat_sessions.settings import Settings
from tests.process import environment
from tests.shell import clean_environment

SCRIPT = """
import gc
from chat_sessions.server import from_environment
app = from_environment()
print(gc.get_threshold()[0], gc.get_freeze_count() > 100_000)
"""


def test_the_collector_leaves_alone_what_is_there_for_good(settings: Settings) -> None:
    done = subprocess.run(  # noqa: S603  our own words
        [sys.executable, "-c", SCRIPT],
        env=clean_environment(environment(settings)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "50000 True\n"
