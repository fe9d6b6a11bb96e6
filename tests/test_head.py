"""HEAD works wherever GET does, with the same headers and without a body."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from tests.listening import on_a_socket
from tests.scrape import Scrape, scrape
from tests.service import Caller, Service
from tests.waiting import LIMIT_SECONDS

PATH = "/api/chat/sessions"
VARYING = {"x-request-id", "date"}


@pytest.fixture(scope="module")
async def url(service: Service) -> AsyncIterator[str]:
    async with on_a_socket(service) as url:
        yield url


@pytest.fixture
async def client(service: Service, url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Ada's client, on a real connection that it keeps."""
    async with service.client("ada") as ada, httpx.AsyncClient(base_url=url, headers=ada.headers) as client:
        yield client


def fixed(headers: httpx.Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in VARYING}


@pytest.mark.parametrize(
    "path",
    [
        PATH,
        f"{PATH}?limit=7",
        f"{PATH}/{{id}}",
        f"{PATH}/unknown",
        f"{PATH}?limit=0",
        "/healthz",
        "/docs",
        "/nothing",
    ],
)
async def test_it_has_the_status_and_the_headers_of_get(path: str, ada: Caller, client: httpx.AsyncClient) -> None:
    path = path.format(id=(await ada.create("Lisbon"))["id"])
    for _ in range(2):  # routed, then by the express lane
        got, head = await client.get(path), await client.head(path)
        assert (head.status_code, fixed(head.headers), head.content) == (got.status_code, fixed(got.headers), b"")


async def test_a_current_tag_is_304(ada: Caller, client: httpx.AsyncClient) -> None:
    await ada.create("Lisbon")
    tag = (await client.head(PATH)).headers["ETag"]
    assert (await client.head(PATH, headers={"If-None-Match": tag})).status_code == 304


async def test_the_event_stream_ends_after_its_headers(service: Service, client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        for _ in range(service.settings.feed_streams_per_user + 1):
            response = await client.head(f"{PATH}/events")
            assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (
                200,
                "text/event-stream",
            )


async def test_without_a_token_it_is_401(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.head(PATH)).status_code == 401


async def test_it_is_counted_as_head(ada: Caller, client: httpx.AsyncClient) -> None:
    counted = partial(Scrape.sum, name="chat_http_requests_total", method="HEAD", route=PATH)
    before = counted(await scrape(ada))
    await client.head(PATH)
    assert counted(await scrape(ada)) == before + 1
