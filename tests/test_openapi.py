"""The OpenAPI document is complete, current and fit for client generators; so is the page that shows it."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from chat_sessions import cli
from chat_sessions.web import openapi
from tests.contract import validate
from tests.service import Caller, Service

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


class Operation(NamedTuple):
    """A documented call of the API."""

    method: str
    path: str
    described: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"


@pytest.fixture
def document(service: Service) -> dict[str, Any]:
    return service.app.openapi()


@pytest.fixture
def operations(document: dict[str, Any]) -> list[Operation]:
    return [
        Operation(method, path, each) for path, found in document["paths"].items() for method, each in found.items()
    ]


def schemas(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  any JSON
    """Yield everything that might be a schema."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for each in node if isinstance(node, list) else ():
        yield from schemas(each)


class TestDocument:
    def test_has_exactly_the_calls_of_the_contract(self, operations: list[Operation]) -> None:
        assert {each.name for each in operations} == {
            "GET /api/chat/sessions",
            "POST /api/chat/sessions",
            "GET /api/chat/sessions/{session_id}",
            "PATCH /api/chat/sessions/{session_id}",
            "DELETE /api/chat/sessions/{session_id}",
            "POST /api/chat/sessions/{session_id}/messages",
            "DELETE /api/chat/sessions/{session_id}/messages",
            "PUT /api/chat/sessions/{session_id}/messages/{message_id}",
            "POST /api/chat/sessions/batch-delete",
            "GET /api/chat/sessions/events",
            "GET /api/chat/sessions/search",
            "GET /api/chat/export",
            "GET /healthz",
            "GET /readyz",
            "GET /metrics",
        }

    def test_every_operation_has_a_unique_name_a_summary_and_a_description(self, operations: list[Operation]) -> None:
        names = [each.described["operationId"] for each in operations]
        assert len(set(names)) == len(names)
        for each in operations:
            assert re.fullmatch(r"[a-z][A-Za-z]+", each.described["operationId"])
            assert each.described["summary"]
            assert each.described["description"]

    def test_every_tag_is_described(self, document: dict[str, Any], operations: list[Operation]) -> None:
        described = {tag["name"] for tag in document["tags"] if tag["description"]}
        assert {tag for each in operations for tag in each.described["tags"]} == described
        assert {len(each.described["tags"]) for each in operations} == {1}

    def test_exactly_the_calls_below_api_require_a_bearer_token(
        self, document: dict[str, Any], operations: list[Operation]
    ) -> None:
        (name, scheme), *others = document["components"]["securitySchemes"].items()
        assert others == []
        assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
        for each in operations:
            expected: list[dict[str, list[str]]] = [{name: []}] if each.path.startswith("/api/") else []
            assert each.described.get("security", []) == expected, each.name

    def test_every_call_below_api_documents_the_common_responses(self, operations: list[Operation]) -> None:
        for each in operations:
            if each.path.startswith("/api/"):
                assert {"401", "422", "429", "503"} <= set(each.described["responses"]), each.name
            if "{session_id}" in each.path:
                assert "404" in each.described["responses"], each.name
            if "requestBody" in each.described:
                assert {"413", "415"} <= set(each.described["responses"]), each.name

    @pytest.mark.parametrize(
        ("name", "statuses"),
        [
            ("listSessions", {200, 304, 401, 414, 422, 429, 503}),
            ("searchSessions", {200, 401, 414, 422, 429, 503}),
            ("exportSessions", {200, 401, 422, 429, 503}),
            ("createSession", {200, 201, 401, 409, 413, 415, 422, 429, 503}),
            ("getSession", {200, 304, 401, 404, 422, 429, 503}),
            ("changeSession", {200, 401, 404, 412, 413, 415, 422, 429, 503}),
            ("deleteSession", {204, 401, 404, 412, 422, 429, 503}),
            ("appendMessages", {201, 401, 404, 409, 412, 413, 415, 422, 429, 503}),
            ("replaceMessage", {200, 401, 404, 409, 412, 413, 415, 422, 429, 503}),
            ("cutMessages", {204, 401, 404, 412, 422, 429, 503}),
            ("batchDeleteSessions", {200, 401, 409, 413, 415, 422, 429, 503}),
            ("followSessions", {200, 401, 422, 429, 503}),
            ("getReadiness", {200, 503}),
        ],
    )
    def test_a_call_documents_its_responses(self, name: str, statuses: set[int], operations: list[Operation]) -> None:
        (responses,) = (each.described["responses"] for each in operations if each.described["operationId"] == name)
        assert set(map(int, responses)) == statuses

    def test_every_error_is_a_problem(self, operations: list[Operation]) -> None:
        for each in operations:
            for status, response in each.described["responses"].items():
                if int(status) >= 400:
                    assert set(response["content"]) == {"application/problem+json"}, (each.name, status)
                    model = response["content"]["application/problem+json"]["schema"]["$ref"].rpartition("/")[2]
                    assert model == ("ValidationProblem" if status == "422" else "Problem"), (each.name, status)

    def test_a_response_without_a_body_documents_none(self, operations: list[Operation]) -> None:
        bodiless = [
            response
            for each in operations
            for status, response in each.described["responses"].items()
            if status in {"204", "304"}
        ]
        assert len(bodiless) == 4
        assert not any("content" in response for response in bodiless)

    def test_every_response_with_an_etag_documents_it(self, operations: list[Operation]) -> None:
        with_etag = {
            (each.described["operationId"], status)
            for each in operations
            for status, response in each.described["responses"].items()
            if "ETag" in response.get("headers", {})
        }
        assert with_etag == {
            ("listSessions", "200"),
            ("listSessions", "304"),
            ("getSession", "200"),
            ("getSession", "304"),
            ("createSession", "200"),
            ("createSession", "201"),
            ("changeSession", "200"),
            ("replaceMessage", "200"),
        }

    def test_every_response_field_is_required(self, document: dict[str, Any]) -> None:
        for name in (
            "Session",
            "SessionSummary",
            "SessionList",
            "SearchResults",
            "SearchResult",
            "FoundMessage",
            "Message",
            "AppendedMessages",
            "BatchDeleted",
            "Problem",
            "Readiness",
        ):
            schema = document["components"]["schemas"][name]
            assert set(schema["required"]) == set(schema["properties"]), name

    def test_every_schema_has_a_name_and_is_ours(self, document: dict[str, Any]) -> None:
        assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
        assert all(re.fullmatch(r"[A-Z][A-Za-z]+", name) for name in document["components"]["schemas"])

    def test_every_schema_is_used(self, document: dict[str, Any]) -> None:
        references = {each["$ref"] for each in schemas(document) if isinstance(each.get("$ref"), str)}
        components = document["components"]
        assert references == {
            f"#/components/{kind}/{name}" for kind in ("schemas", "headers") for name in components[kind]
        }

    def test_every_body_has_an_example_and_every_parameter_a_description(
        self, document: dict[str, Any], operations: list[Operation]
    ) -> None:
        for each in operations:
            assert all(parameter["description"] for parameter in each.described.get("parameters", [])), each.name
            if "requestBody" in each.described:
                schema = each.described["requestBody"]["content"]["application/json"]["schema"]
                # An optional body may also be null.
                reference = schema.get("anyOf", [schema])[0]["$ref"]
                assert document["components"]["schemas"][reference.rpartition("/")[2]]["examples"], each.name

    async def test_the_examples_work(self, document: dict[str, Any], ada: Caller) -> None:
        bodies = document["components"]["schemas"]
        for example in bodies["NewSession"]["examples"]:
            created = await ada.create(**example)
            for messages in bodies["NewMessages"]["examples"]:
                response = await ada.http.post(f"/api/chat/sessions/{created['id']}/messages", json=messages)
                assert response.status_code == 201
            for change in bodies["SessionChange"]["examples"]:
                assert (await ada.change(created["id"], **change)).status_code == 200
        for example in bodies["BatchDeletion"]["examples"]:
            response = await ada.http.post("/api/chat/sessions/batch-delete", json=example)
            assert response.status_code == 200

    async def test_is_served_without_a_token(self, document: dict[str, Any], stranger: Caller) -> None:
        response = await stranger.http.get("/openapi.json")
        assert (response.status_code, response.json()) == (200, document)


class TestCommitted:
    def test_openapi_json_is_current(self, service: Service) -> None:
        assert (ROOT / "openapi.json").read_text() == openapi.render(service.app), "run `make openapi`"

    def test_the_command_prints_it_without_configuration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("CHAT_")]:
            monkeypatch.delenv(name)
        printed = CliRunner().invoke(cli.app, ["openapi"])
        assert (printed.exit_code, printed.stderr) == (0, "")
        assert printed.stdout == (ROOT / "openapi.json").read_text(), "run `make openapi`"


class TestChecker:
    """The check that every response in every test passes through, which must not accept everything."""

    @pytest.mark.parametrize(
        "wrong",
        [
            {"status": 1},
            {"status": "other"},
            {"extra": 1},
            {"status": None},
        ],
        ids=str,
    )
    def test_rejects_an_invalid_response(self, wrong: dict[str, object], document: dict[str, Any]) -> None:
        right = {"status": "ok", "database": "ok", "cache": "ok"}
        schema = {"$ref": "#/components/schemas/Readiness"}
        validate(right, schema, document)
        with pytest.raises(AssertionError):
            validate(right | wrong, schema, document)

    def test_rejects_an_unknown_keyword(self, document: dict[str, Any]) -> None:
        with pytest.raises(AssertionError, match="not supported"):
            validate(1, {"multipleOf": 2}, document)

    async def test_rejects_an_undocumented_response(
        self, document: dict[str, Any], ada: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        operation = document["paths"]["/api/chat/sessions"]["get"]
        responses = {status: each for status, each in operation["responses"].items() if status != "422"}
        monkeypatch.setitem(operation, "responses", responses)
        with pytest.raises(AssertionError, match="listSessions does not document 422"):
            await ada.page(limit=0)


class TestPage:
    async def test_loads_nothing_external_and_runs_nothing_inline(self, stranger: Caller) -> None:
        page = (await stranger.http.get("/docs")).text
        loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
        assert len(loaded) == 4
        for address in loaded:
            assert "//" not in address
            assert (await stranger.http.get(f"/{address}")).status_code == 200
        assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page) == []

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("/docs", "text/html"),
            ("/docs/init.js", "text/javascript"),
            ("/docs/swagger-ui-bundle.js", "text/javascript"),
            ("/docs/swagger-ui.css", "text/css"),
            ("/docs/favicon-32x32.png", "image/png"),
        ],
    )
    async def test_each_file_has_its_content_type_and_an_etag(self, name: str, kind: str, stranger: Caller) -> None:
        response = await stranger.http.get(name)
        assert response.headers["Content-Type"].partition(";")[0] == kind
        assert "script-src 'self';" in response.headers["Content-Security-Policy"]
        again = await stranger.http.get(name, headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    async def test_swagger_ui_supports_this_openapi_version(self, document: dict[str, Any], stranger: Caller) -> None:
        bundle = (await stranger.http.get("/docs/swagger-ui-bundle.js")).text
        version = re.search(r'PACKAGE_VERSION:"(\d+)\.', bundle)
        assert version
        assert int(version[1]) >= 5
        assert document["openapi"].startswith("3.1.")

    @pytest.mark.parametrize("name", ["nothing", "index.html", "..%2fapp.py", "%00", "__init__.py", "init.js/"])
    async def test_other_files_are_404(self, name: str, stranger: Caller) -> None:
        assert (await stranger.http.get(f"/docs/{name}")).status_code == 404

    async def test_redoc_is_off(self, stranger: Caller) -> None:
        assert (await stranger.http.get("/redoc")).status_code == 404
