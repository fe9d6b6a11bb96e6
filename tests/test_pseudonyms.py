"""The pseudonyms of users in logs."""

import pytest
from pydantic import SecretStr

from chat_sessions.settings import Settings, load_settings
from chat_sessions.telemetry.pseudonyms import pseudonyms
from tests.command import Operator

REQUIRED = {"database_url": "postgresql://", "redis_url": "redis://"}


def of(**given: str) -> Settings:
    return load_settings({**REQUIRED, **given})


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAT_LOG_USER_KEY", raising=False)


def test_a_pseudonym_depends_on_the_user_and_the_key() -> None:
    ada = pseudonyms(SecretStr("one key"))("ada")
    assert ada == pseudonyms(SecretStr("one key"))("ada")
    assert len({ada, pseudonyms(SecretStr("one key"))("bob"), pseudonyms(SecretStr("another"))("ada")}) == 3


def test_with_a_secret_the_pseudonyms_are_the_same_in_all_workers_and_after_a_restart() -> None:
    first, second, other = (of(jwt_secret=secret * 32).log_user_key for secret in "aab")
    assert first == second != other


def test_without_a_secret_the_key_is_the_configured_one_or_random() -> None:
    jwks = "https://id.test/keys"
    assert of(jwks_url=jwks, log_user_key="k" * 16).log_user_key.get_secret_value() == "k" * 16
    assert of(jwks_url=jwks).log_user_key != of(jwks_url=jwks).log_user_key


async def test_the_doctor_reports_that_random_pseudonyms_do_not_last(settings: Settings) -> None:
    operator = Operator(settings)
    env = {"CHAT_JWT_SECRET": None, "CHAT_JWKS_URL": "http://127.0.0.1:9/"}
    without = await operator.run("doctor", **env)
    assert "CHAT_LOG_USER_KEY is not set" in without.stdout
    given = await operator.run("doctor", **env, CHAT_LOG_USER_KEY="k" * 16)
    assert "CHAT_LOG_USER_KEY is not set" not in given.stdout
