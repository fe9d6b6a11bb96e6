"""The tests run the same on every machine."""

import os
import subprocess
import sys

from chat_sessions.settings import Settings
from chat_sessions.settings.environment import PREFIX

REQUIRED = {"database_url": "postgresql://x", "redis_url": "redis://x", "jwt_secret": "x" * 32}


def test_no_setting_comes_from_the_environment() -> None:
    assert [name for name in os.environ if name.startswith(PREFIX) or name == "PORT"] == []
    assert Settings.model_validate(REQUIRED).model_fields_set == set(REQUIRED)


def test_a_developers_variables_do_not_reach_the_tests() -> None:
    variables = {"CHAT_CACHE_TTL": "1", "CHAT_JWT_AUDIENCE": "chat", "chat_max_body_bytes": "1024", "PORT": "1"}
    own = f"{__file__}::{test_no_setting_comes_from_the_environment.__name__}"
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "pytest", own], env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
