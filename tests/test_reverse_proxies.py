"""Behind a proxy whose clients share one connection to the service, no client acts as another."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.line import connected_to
from tests.listening import on_a_socket
from tests.reverse_proxies import HAProxy, Nginx, ReverseProxy, StreamingNginx
from tests.service import Caller, Service, token

PATH = "/api/chat/sessions"
ROUNDS = 10
# More than nginx buffers, so it is sent separately; a server that awaits a request skips line ends.
PADDING = "\r\n" * 10_000


@pytest.fixture(params=[Nginx, StreamingNginx, HAProxy], ids=["nginx", "nginx-streaming", "haproxy"], scope="module")
async def proxy(
    request: pytest.FixtureRequest, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ReverseProxy]:
    async with on_a_socket(service) as url:
        with request.param(tmp_path_factory.mktemp("proxy"), url) as proxy:
            yield proxy


@pytest.fixture
async def victim(proxy: ReverseProxy) -> AsyncIterator[Caller]:
    headers = {"Authorization": f"Bearer {token('ada')}"}
    async with httpx.AsyncClient(base_url=proxy.url, headers=headers, timeout=30) as client:
        yield Caller(client)


def upgrade_request(offer: str, body: str) -> tuple[bytes, bytes]:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: chat.test\r\nAuthorization: Bearer {token('eve')}\r\n{offer}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body.encode()


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "foo"])
async def test_one_clients_body_is_not_completed_by_anothers_request(
    protocol: str, proxy: ReverseProxy, victim: Caller
) -> None:
    offer = f"Connection: Upgrade\r\nUpgrade: {protocol}\r\n"
    session_id = (await victim.create("mine"))["id"]
    for _ in range(ROUNDS):
        async with connected_to(proxy.url) as line:
            await line.send_apart(*upgrade_request(offer, f"{PADDING}DELETE {PATH}/{session_id} HTTP/1.1\r\nX: "))
            refused = await line.response()
            seen = await victim.get(session_id)
        assert (refused.status_code, seen.status_code) == (422, 200)
        assert seen.json()["title"] == "mine"
    assert (await victim.get(session_id)).status_code == 200


async def test_the_body_of_an_upgrade_request_arrives(proxy: ReverseProxy) -> None:
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
    async with connected_to(proxy.url) as line:
        for _ in range(2):
            await line.send_apart(*upgrade_request(offer, '{"title": "Lisbon"}'))
            created = await line.response()
            assert (created.status_code, created.json()["title"]) == (201, "Lisbon")
