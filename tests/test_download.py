"""The download of a key set: its limits and its timeout."""

from base64 import b64encode
from collections.abc import Iterator

import pytest

from chat_sessions.version import VERSION
from chat_sessions.web.auth.download import DownloadError, download
from tests.provider import Provider
from tests.waiting import LIMIT_SECONDS, until

BRIEF = 0.5
LIMIT = 1000


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


async def get(url: str, timeout: float = LIMIT_SECONDS) -> bytes:  # noqa: ASYNC109  passed on
    return await download(url, timeout=timeout, max_bytes=LIMIT)


async def test_a_document_is_read_completely_and_the_service_identifies_itself(provider: Provider) -> None:
    provider.body = b"x" * LIMIT
    assert await get(provider.url) == b"x" * LIMIT
    assert provider.received is not None
    assert provider.received["User-Agent"] == f"chat-sessions/{VERSION}"
    assert provider.received["Authorization"] is None


async def test_credentials_in_the_url_are_sent_as_basic_auth(provider: Provider) -> None:
    await get(provider.url.replace("://", "://me%40id:p%2Fw@"))
    assert provider.received is not None
    assert provider.received["Authorization"] == f"Basic {b64encode(b'me@id:p/w').decode()}"


async def test_a_document_above_the_limit_is_rejected(provider: Provider) -> None:
    provider.body = b"x" * (LIMIT + 1)
    with pytest.raises(DownloadError, match="exceeds 1,000 bytes"):
        await get(provider.url)


async def test_a_redirect_is_not_followed(provider: Provider) -> None:
    provider.status, provider.headers = 302, {"Location": provider.url + "/elsewhere"}
    with pytest.raises(DownloadError, match="HTTP status 302: redirects are not followed"):
        await get(provider.url)
    assert provider.requests == 1


@pytest.mark.parametrize("drips_headers", [True, False])
async def test_a_trickling_server_times_out_and_leaves_no_thread(drips_headers: bool, provider: Provider) -> None:
    provider.drips_headers = drips_headers
    provider.open.clear()
    with pytest.raises(DownloadError, match="no complete response within"):
        await get(provider.url, BRIEF)

    async def is_disconnected() -> bool:
        return provider.disconnected.is_set()

    await until(is_disconnected)


@pytest.mark.parametrize("status", [201, 304, 401, 404, 500])
async def test_any_status_but_200_is_an_error_that_names_it(status: int, provider: Provider) -> None:
    provider.status = status
    with pytest.raises(DownloadError, match=f"HTTP status {status}"):
        await get(provider.url)


async def test_a_failure_is_reported_without_the_password(provider: Provider) -> None:
    provider.close()
    for url in (provider.url, "http://keys.invalid/", "http://a..b/", f"https{provider.url[4:]}"):
        with pytest.raises(DownloadError) as error:
            await get(url.replace("://", "://me:hidden@"))
        assert str(error.value)
        assert "hidden" not in str(error.value)


async def test_a_proxy_from_the_environment_is_used(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", provider.url)
    provider.body = b"by way of the proxy"
    assert await get("http://keys.invalid/jwks.json") == b"by way of the proxy"
