"""Settings that would only fail later are rejected at start, with what to write instead."""

import pytest

from chat_sessions.settings import ConfigurationError, Settings, load_settings
from tests.command import Operator

REQUIRED = {"database_url": "postgresql://", "redis_url": "redis://", "jwt_secret": "x" * 32}


def rejection(**given: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({**REQUIRED, **given})
    return str(caught.value)


class TestPasswords:
    @pytest.mark.parametrize(
        "password", ["pa@ss", "pa/ss", "pa#ss", "pa?ss", "pa%ss", "12/ss", "12#ss", "12?ss", "p@/s"]
    )
    @pytest.mark.parametrize(
        ("variable", "url"),
        [
            ("CHAT_DATABASE_URL", "postgresql://ada:{}@127.0.0.1:5432/chat?application_name=x"),
            ("CHAT_REDIS_URL", "redis://:{}@127.0.0.1:6379/0"),
            ("CHAT_REDIS_URL", "redis+cluster://:{}@one:6379,two:6379"),
        ],
        ids=["postgres", "redis", "cluster"],
    )
    def test_an_unencoded_password_is_reported_but_not_shown(self, variable: str, url: str, password: str) -> None:
        name = variable.removeprefix("CHAT_").lower()
        error = rejection(**{name: url.format(password)})
        assert error == (
            f"{variable}: the special characters of its password must be percent-encoded: "
            "/ is %2F, # is %23, ? is %3F, @ is %40, % is %25"
        )

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://",
            "postgres:///chat",
            "postgresql:///chat?host=/run/a@b",
            "postgresql://ada@[::1]:5432/chat?application_name=a@b",
            "postgresql://ada:p%40%2F%23%3F%25@db/chat?sslmode=require",
            "postgresql://ada:!$&'()*+,;=~@db.example/chat",
            "postgresql://ada:12@db:5432/chat?schema=s&options=-c%20x",
        ],
    )
    def test_an_encoded_password_is_accepted(self, url: str) -> None:
        assert load_settings({**REQUIRED, "database_url": url}).database_url.get_secret_value() == url


class TestKeepAlive:
    def test_an_idle_connection_outlives_that_of_a_load_balancer(self) -> None:
        assert load_settings(REQUIRED).keep_alive_timeout > 60

    async def test_serve_passes_the_timeout_to_uvicorn(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: dict[str, object] = {}
        monkeypatch.setattr("uvicorn.run", lambda *_, **options: given.update(options))
        monkeypatch.setattr("signal.signal", lambda *_: None)
        await Operator(settings).succeed("serve", "--port", "0", CHAT_KEEP_ALIVE_TIMEOUT="600")
        assert given["timeout_keep_alive"] == 600


class TestOrigins:
    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("https://app.example/", "https://app.example"),
            ("https://app.example/chat", "https://app.example"),
            ("https://app.example?x=1", "https://app.example"),
            ("https://App.Example", "https://app.example"),
            ("HTTPS://app.example", "https://app.example"),
            ("app.example", "https://app.example"),
            ("localhost:3000", "https://localhost:3000"),
            ("https://app.example:443", "https://app.example"),
            ("http://app.example:80", "http://app.example"),
            ("http://app.example:080", "http://app.example"),
            ("https://ada@app.example", "https://app.example"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://[::1]:443/", "https://[::1]"),
        ],
    )
    def test_an_origin_that_never_matches_is_rejected_with_the_right_spelling(self, given: str, sent: str) -> None:
        wanted = f"CHAT_CORS_ORIGINS: {given} never matches, because browsers send {sent}"
        assert rejection(cors_origins=given) == wanted

    @pytest.mark.parametrize("given", ["https://", "https://app.example:port", "https://[::1", "file://"])
    def test_an_origin_without_a_host_is_rejected_with_an_example(self, given: str) -> None:
        wanted = f"CHAT_CORS_ORIGINS: {given} is not an origin such as https://app.example"
        assert rejection(cors_origins=given) == wanted

    def test_a_wildcard_within_an_origin_is_rejected(self) -> None:
        assert "wildcards are not supported: list each origin" in rejection(cors_origins="https://*.app.example")

    def test_all_origins_are_checked(self) -> None:
        error = rejection(cors_origins="https://one.example, two.example,https://three.example/")
        assert error.count("never matches") == 2
        assert "one.example" not in error

    @pytest.mark.parametrize(
        "given",
        [
            "*",
            "null",
            "https://app.example",
            "http://localhost:3000",
            "http://app.example:443",
            "http://[::1]:8080",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnop",
            "https://xn--bcher-kva.example",
        ],
    )
    def test_an_origin_that_browsers_send_is_accepted(self, given: str) -> None:
        assert load_settings({**REQUIRED, "cors_origins": given}).cors_origins == (given,)
