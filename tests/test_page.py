"""The page's files: their compression, how long they are cached, and the prefix that a proxy strips."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from chat_sessions.settings import ConfigurationError, Settings, load_settings
from tests.service import Caller, running

PATH = "/api/chat/sessions"
SCRIPT = "assets/index-Ch6nGS0k.js"
HTML = '<html><head><base href="/" /></head><body>the page</body></html>'
JAVASCRIPT = "console.log('é');" * 1000
REQUIRED = {"database_url": "postgresql://", "redis_url": "redis://", "jwt_secret": "x" * 32}
NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("dist")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text(HTML)
    (folder / SCRIPT).write_text(JAVASCRIPT)
    (folder / "assets" / "picture-Ch6nGS0k.png").write_bytes(bytes(5000))
    (folder / "favicon.svg").write_text("<svg/>")
    return folder


@asynccontextmanager
async def browser(
    settings: Settings, folder: Path, *, peer: str = "127.0.0.1", **changes: object
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser's requests after a proxy has stripped their prefix; `peer` is the proxy's address."""
    parsed = load_settings({**REQUIRED, **changes})
    given = {"frontend_dir": folder, **{name: getattr(parsed, name) for name in changes}}
    async with running(settings.model_copy(update=given), ready=False) as worker:
        transport = httpx.ASGITransport(worker.asgi, raise_app_exceptions=False, client=(peer, 1234))
        headers = worker.client("ada").headers
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.test", headers=headers) as client:
            yield client


DOCUMENT_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@pytest.fixture(scope="module")
async def page(settings: Settings, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(settings, folder) as client:
        yield client


class TestFiles:
    async def test_a_script_is_compressed_once_and_arrives_unchanged(self, page: httpx.AsyncClient) -> None:
        response = await page.get(f"/{SCRIPT}", headers={"Accept-Encoding": "br, gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert int(response.headers["Content-Length"]) < len(JAVASCRIPT) // 10
        assert response.text == JAVASCRIPT
        assert response.headers["Content-Type"].partition(";")[0] == "text/javascript"
        assert response.headers["Vary"] == "Accept-Encoding"

    @pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip; q=0.0, br"])
    async def test_a_client_that_cannot_read_gzip_gets_none(self, accepted: str, page: httpx.AsyncClient) -> None:
        response = await page.get(f"/{SCRIPT}", headers={"Accept-Encoding": accepted})
        assert "Content-Encoding" not in response.headers
        assert (response.text, response.headers["Vary"]) == (JAVASCRIPT, "Accept-Encoding")

    async def test_the_two_forms_have_two_etags_and_either_gets_304(self, page: httpx.AsyncClient) -> None:
        tags = []
        for accepted in ("gzip", "identity"):
            response = await page.get(f"/{SCRIPT}", headers={"Accept-Encoding": accepted})
            tags.append(response.headers["ETag"])
            again = await page.get(
                f"/{SCRIPT}", headers={"Accept-Encoding": accepted, "If-None-Match": response.headers["ETag"]}
            )
            assert (again.status_code, again.content) == (304, b"")
        assert len(set(tags)) == 2

    async def test_pictures_and_small_files_are_not_compressed(self, page: httpx.AsyncClient) -> None:
        for path in ("/assets/picture-Ch6nGS0k.png", "/favicon.svg"):
            assert "Content-Encoding" not in (await page.get(path)).headers

    @pytest.mark.parametrize(
        ("path", "lifetime"),
        [
            (f"/{SCRIPT}", "public, max-age=31536000, immutable"),
            ("/", "public, no-cache"),
            ("/index.html", "public, no-cache"),
            ("/favicon.svg", "public, no-cache"),
            ("/c/some-chat", "public, no-cache"),
        ],
    )
    async def test_only_files_with_a_hash_in_their_name_are_immutable(
        self, path: str, lifetime: str, page: httpx.AsyncClient
    ) -> None:
        response = await page.get(path, headers=NAVIGATION)
        assert (response.status_code, response.headers["Cache-Control"]) == (200, lifetime)

    @pytest.mark.parametrize("path", ["/", f"/{SCRIPT}", "/docs"])
    async def test_documents_cannot_be_framed_opened_or_traced_by_another_site(
        self, path: str, page: httpx.AsyncClient
    ) -> None:
        headers = (await page.get(path, headers=NAVIGATION)).headers
        assert {name: headers.get(name) for name in DOCUMENT_HEADERS} == DOCUMENT_HEADERS
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]

    async def test_a_new_build_is_served_at_once(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "index.html").write_text("old")
        async with browser(settings, tmp_path) as client:
            assert (await client.get("/")).text == "old"
            (tmp_path / "index.html").write_text("brand new")
            assert (await client.get("/")).text == "brand new"

    async def test_a_large_file_is_served_from_disk(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "index.html").write_text(HTML)
        (tmp_path / "film.js").write_bytes(b"x" * (4 * 1024 * 1024 + 1))
        async with browser(settings, tmp_path) as client:
            response = await client.get("/film.js", headers={"Accept-Encoding": "gzip"})
        assert (len(response.content), "Content-Encoding" in response.headers) == (4 * 1024 * 1024 + 1, False)
        assert {name: response.headers.get(name) for name in DOCUMENT_HEADERS} == DOCUMENT_HEADERS

    async def test_the_api_reference_is_compressed(self, page: httpx.AsyncClient) -> None:
        response = await page.get("/docs/swagger-ui-bundle.js", headers={"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert int(response.headers["Content-Length"]) < len(response.content) // 2


class TestFallback:
    async def test_a_path_of_the_page_returns_the_page(self, page: httpx.AsyncClient) -> None:
        response = await page.get("/c/some-chat", headers=NAVIGATION)
        assert (response.status_code, response.text) == (200, HTML)

    @pytest.mark.parametrize("path", ["/api/chat/nowhere", "/api", "/api/", "/.env"])
    async def test_other_paths_are_404(self, path: str, page: httpx.AsyncClient) -> None:
        response = await page.get(path, headers=NAVIGATION)
        assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")

    async def test_a_missing_script_is_404(self, page: httpx.AsyncClient) -> None:
        response = await page.get("/assets/index-Gone1234.js", headers={"Accept": "*/*"})
        assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")

    @pytest.mark.parametrize(("path", "status"), [("/favicon.svg", 405), ("/nowhere", 404)])
    async def test_a_write_is_405_or_404(self, path: str, status: int, page: httpx.AsyncClient) -> None:
        response = await page.post(path, headers=NAVIGATION)
        assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
        assert status == 404 or response.headers["Allow"] == "GET, HEAD"


class TestPrefix:
    """Requests arrive without the prefix: the proxy has stripped it."""

    # The last one begins like the paths of the API.
    @pytest.mark.parametrize("prefix", ["/chat", "/deep/er", "/api"])
    async def test_links_include_the_configured_prefix(self, prefix: str, settings: Settings, folder: Path) -> None:
        async with browser(settings, folder, root_path=f"{prefix}/") as client:
            await self.check_links(client, prefix)

    async def test_links_include_the_prefix_that_a_trusted_proxy_sends(self, settings: Settings, folder: Path) -> None:
        async with browser(settings, folder, trusted_proxies="10.0.0.0/8, ::1", peer="10.1.2.3") as client:
            client.headers["X-Forwarded-Prefix"] = "/chat/"
            await self.check_links(client, "/chat")

    async def check_links(self, client: httpx.AsyncClient, prefix: str) -> None:
        created = await client.post(PATH, json={})
        location = f"{prefix}{PATH}/{created.json()['id']}"
        assert (created.status_code, created.headers["Location"]) == (201, location)
        # Twice: the second one takes the express lane.
        for _ in range(2):
            assert (await client.get(location.removeprefix(prefix))).status_code == 200
        assert (await client.get("/c/x", headers=NAVIGATION)).text == HTML.replace('"/"', f'"{prefix}/"')
        assert (await client.get("/config.json")).status_code == 200
        assert (await client.get("/openapi.json")).json()["servers"][0]["url"] == prefix
        assert (await client.get(f"/{SCRIPT}")).text == JAVASCRIPT
        assert (await client.get("/docs")).status_code == 200

    @pytest.mark.parametrize(
        ("peer", "trusted", "sent"),
        [
            ("10.1.2.3", "", "/chat"),
            ("11.1.2.3", "10.0.0.0/8", "/chat"),
            ("10.1.2.3", "10.0.0.0/8", "//evil.example"),
            ("10.1.2.3", "10.0.0.0/8", '/"><script>'),
            ("10.1.2.3", "10.0.0.0/8", "/chat, /other"),
            ("10.1.2.3", "10.0.0.0/8", "/../x"),
            ("unix", "10.0.0.0/8", "/chat"),
        ],
        ids=range(7),
    )
    async def test_an_untrusted_or_invalid_prefix_is_ignored(
        self, peer: str, trusted: str, sent: str, settings: Settings, folder: Path
    ) -> None:
        async with browser(settings, folder, trusted_proxies=trusted, peer=peer) as client:
            client.headers["X-Forwarded-Prefix"] = sent
            assert (await Caller(client).http.post(PATH, json={})).headers["Location"].startswith(f"{PATH}/")
            assert (await client.get("/")).text == HTML

    @pytest.mark.parametrize("given", ["chat", "//evil.example", "/a b", "/chat?x", "https://app.example/chat"])
    def test_a_prefix_that_is_not_a_path_is_rejected_at_start(self, given: str) -> None:
        with pytest.raises(ConfigurationError, match=r"CHAT_ROOT_PATH: must be a path such as /chat"):
            load_settings({**REQUIRED, "root_path": given})


def test_the_built_page_finds_its_files_below_any_prefix() -> None:
    built = Path(__file__).parents[1] / "frontend" / "dist" / "index.html"
    if not built.exists():
        pytest.skip("the front end is not built")
    text = built.read_text()
    assert '<base href="/"' in text
    links = [each.split('"')[0] for each in text.replace('src="', 'href="').split('href="')[1:]]
    assert [each for each in links if each.startswith("/")] == ["/"]
