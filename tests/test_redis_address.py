"""CHAT_REDIS_URL: a server, sentinels or a cluster, and clear errors."""

import pytest

from chat_sessions.settings import ConfigurationError, load_settings
from chat_sessions.settings.redis_address import Endpoint, RedisAddress


@pytest.mark.parametrize(
    ("url", "seeds", "urls"),
    [
        ("redis://", [("localhost", 6379)], ["redis://localhost:6379/0"]),
        ("redis://cache/2", [("cache", 6379)], ["redis://cache:6379/2"]),
        ("rediss://u:p%40@cache:1", [("cache", 1)], ["rediss://u:p%40@cache:1/0"]),
        ("rediss://[::1]:1/?ssl_cert_reqs=none", [("::1", 1)], ["rediss://[::1]:1/0?ssl_cert_reqs=none"]),
        (
            "redis+cluster://:p@one:1,two",
            [("one", 1), ("two", 6379)],
            ["redis://:p@one:1/0", "redis://:p@two:6379/0"],
        ),
        (
            "rediss+cluster://one,two:2/?ssl_ca_certs=%2Fca.pem",
            [("one", 6379), ("two", 2)],
            ["rediss://one:6379/0?ssl_ca_certs=%2Fca.pem", "rediss://two:2/0?ssl_ca_certs=%2Fca.pem"],
        ),
        (
            "redis+sentinel://:p@one,two:2/chats/3?sentinel_password=s",
            [("one", 26379), ("two", 2)],
            ["redis://:p@one:26379/3", "redis://:p@two:2/3"],
        ),
    ],
)
def test_each_server_gets_its_own_url(url: str, seeds: list[tuple[str, int]], urls: list[str]) -> None:
    address = RedisAddress.parse(url)
    assert list(address.seeds) == seeds
    assert [address.url(each) for each in address.seeds] == urls


def test_the_sentinels_have_their_own_credentials_or_none() -> None:
    endpoint = Endpoint("one", 26379)
    both = RedisAddress.parse("rediss+sentinel://u:p@one/chats?sentinel_username=s&sentinel_password=t%2F&protocol=3")
    assert both.sentinel_url(endpoint) == "rediss://s:t%2F@one:26379?protocol=3"
    assert both.url(endpoint) == "rediss://u:p@one:26379/0?protocol=3"
    none = RedisAddress.parse("redis+sentinel://u:p@one/chats")
    assert none.sentinel_url(endpoint) == "redis://one:26379"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (
            "localhost:6379",
            "must start with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster://",
        ),
        ("redis+cluster:", "must name a server"),
        ("redis+clutser://one", "must start with"),
        ("redis://one,two", "several servers need redis+cluster:// or redis+sentinel://"),
        ("redis+cluster://one:x,two", "has an invalid port in 'one:x'"),
        ("redis+cluster://one:99999", "has an invalid port in 'one:99999'"),
        ("redis+cluster://one,,two", "must name a server"),
        ("redis+cluster://one/1", "must not have a database number: a cluster has only database 0"),
        ("redis+sentinel://one:26379", "must name the master, as in redis+sentinel://host:26379/mymaster"),
        ("redis+sentinel://one/chats/x", "must have a database number or nothing as its path"),
        ("redis://one/chats", "must have a database number or nothing as its path"),
    ],
)
def test_an_invalid_url_is_rejected_with_a_reason(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings({"database_url": "postgresql://", "redis_url": url, "jwt_secret": "x" * 32})
    assert f"CHAT_REDIS_URL: {reason}" in str(refused.value)


def test_an_error_does_not_show_the_password() -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(
            {"database_url": "postgresql://", "redis_url": "redis+sentinel://:hidden@one", "jwt_secret": "x" * 32}
        )
    assert "hidden" not in str(refused.value)
