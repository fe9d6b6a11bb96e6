"""The tests run the same on every machine."""

import os
import subprocess
import sys

import pytest

from chat_sessions.settings import Settings
from tests.conftest import is_setting

REQUIRED = {"database_url": "postgresql://x", "redis_url": "redis://x", "jwt_secret": "x" * 32}


def test_no_setting_comes_from_the_environment() -> None:
    assert [name for name in os.environ if is_setting(name)] == []
    assert Settings.model_validate(REQUIRED).model_fields_set == set(REQUIRED)


@pytest.mark.parametrize("name", ["CHAT_TEST_CITUS_URL", "PATH", "REDIS_SERVER"])
def test_variables_of_the_tests_are_not_settings(name: str) -> None:
    assert not is_setting(name)


def test_a_developers_variables_do_not_reach_the_tests() -> None:
    variables = {"CHAT_CACHE_TTL": "1", "CHAT_JWT_AUDIENCE": "chat", "chat_max_body_bytes": "1024", "PORT": "1"}
    own = f"{__file__}::{test_no_setting_comes_from_the_environment.__name__}"
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "pytest", own], env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
