"""Pages of other origins: what browsers may send to the API, and read from its responses."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from chat_sessions.app import create_app
from chat_sessions.settings import Settings
from tests.test_problems import check

ORIGIN = "https://app.example"
PATH = "/api/chat/sessions"


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings.model_copy(update={"cors_origins": (ORIGIN,)}))


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.test", headers={"Origin": ORIGIN}) as each:
        yield each


async def preflight(
    browser: httpx.AsyncClient, method: str = "GET", *names: str, origin: str = ORIGIN
) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    if names:
        headers["Access-Control-Request-Headers"] = ",".join(sorted(name.lower() for name in names))
    return await browser.options(PATH, headers=headers)


def operations(app: FastAPI) -> list[tuple[str, dict[str, Any]]]:
    found = app.openapi()["paths"].items()
    return [each for path, methods in found if path.startswith("/api/") for each in methods.items()]


async def test_every_method_and_header_of_the_contract_passes_a_preflight(
    app: FastAPI, browser: httpx.AsyncClient
) -> None:
    for method, operation in operations(app):
        names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "header"]
        response = await preflight(browser, method.upper(), "Authorization", "Content-Type", *names)
        assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)


@pytest.mark.parametrize("method", ["HEAD", "PUT"])
async def test_head_and_put_pass_a_preflight(method: str, browser: httpx.AsyncClient) -> None:
    assert (await preflight(browser, method)).status_code == 200


@pytest.mark.parametrize(
    "name", ["X-Request-ID", "traceparent", "tracestate", "baggage", "sentry-trace", "Cache-Control"]
)
async def test_headers_that_tools_add_pass_a_preflight(name: str, browser: httpx.AsyncClient) -> None:
    assert (await preflight(browser, "GET", name)).status_code == 200


@pytest.mark.parametrize(
    ("method", "name", "origin", "refused"),
    [
        ("GET", "X-Foreign", ORIGIN, "headers"),
        ("TRACE", "Authorization", ORIGIN, "method"),
        ("GET", "Authorization", "https://other.example", "origin"),
    ],
    ids=["header", "method", "origin"],
)
async def test_a_rejected_preflight_is_a_problem_with_the_reason(
    method: str, name: str, origin: str, refused: str, browser: httpx.AsyncClient
) -> None:
    response = await preflight(browser, method, name, origin=origin)
    check(response, 400, None)
    assert response.json()["detail"].startswith(f"Disallowed CORS {refused}. ")
    assert "Origin" in response.headers["Vary"]
    assert int(response.headers["Content-Length"]) == len(response.content)


async def test_pages_can_read_every_documented_response_header(app: FastAPI, browser: httpx.AsyncClient) -> None:
    exposed = set((await browser.get("/nowhere")).headers["Access-Control-Expose-Headers"].split(", "))
    documented = {
        name
        for _, operation in operations(app)
        for response in operation["responses"].values()
        for name in response.get("headers", {})
    }
    assert exposed >= documented | {"X-Request-ID"}


async def test_pages_can_read_a_500(app: FastAPI, browser: httpx.AsyncClient) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    app.add_api_route("/fail", fail)
    response = await browser.get("/fail")
    assert response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
