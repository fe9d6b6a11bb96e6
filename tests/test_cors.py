"""Pages of other origins: what browsers may send to the API, and read of its responses."""

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
        answer = await preflight(browser, method.upper(), "Authorization", "Content-Type", *names)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)


@pytest.mark.parametrize("method", ["HEAD", "PUT"])
async def test_methods_of_reads_and_replacements_pass_a_preflight(method: str, browser: httpx.AsyncClient) -> None:
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
async def test_a_refused_preflight_is_a_problem_that_says_why(
    method: str, name: str, origin: str, refused: str, browser: httpx.AsyncClient
) -> None:
    answer = await preflight(browser, method, name, origin=origin)
    check(answer, 400, None)
    assert answer.json()["detail"].startswith(f"Disallowed CORS {refused}. ")
    assert "Origin" in answer.headers["Vary"]
    assert int(answer.headers["Content-Length"]) == len(answer.content)


async def test_pages_can_read_every_documented_response_header(app: FastAPI, browser: httpx.AsyncClient) -> None:
    exposed = set((await browser.get("/nowhere")).headers["Access-Control-Expose-Headers"].split(", "))
    documented = {
        name
        for _, operation in operations(app)
        for response in operation["responses"].values()
        for name in response.get("headers", {})
    }
    assert exposed >= documented | {"X-Request-ID"}


async def test_pages_can_read_the_response_to_a_bug(app: FastAPI, browser: httpx.AsyncClient) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    app.add_api_route("/fail", fail)
    answer = await browser.get("/fail")
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
