"""Rules for every operation, field and example of the OpenAPI document."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from chat_sessions import errors
from chat_sessions.contract.storable import MAX_DEPTH
from chat_sessions.errors import size_in_words
from chat_sessions.settings import Settings
from chat_sessions.web.bodies import MAX_VALUES
from tests.contract import validate
from tests.listening import following, on_a_socket
from tests.service import Caller, Service

PROBLEM = "application/problem+json"


class Part(NamedTuple):
    """A part of the document, and where it is."""

    path: str
    value: dict[str, Any]


@pytest.fixture
def document(service: Service) -> dict[str, Any]:
    return service.app.openapi()


@pytest.fixture
def operations(document: dict[str, Any]) -> list[Part]:
    return [Part(each["operationId"], each) for path in document["paths"].values() for each in path.values()]


@pytest.fixture
def responses(operations: list[Part]) -> list[Part]:
    return [
        Part(f"{name} {status}", response)
        for name, operation in operations
        for status, response in operation["responses"].items()
    ]


def fields(name: str, schema: dict[str, Any]) -> Iterator[Part]:
    """Yield the fields of a schema, and of the schemas within it."""
    for field, described in schema.get("properties", {}).items():
        yield Part(f"{name}.{field}", described)
        yield from fields(f"{name}.{field}", described)
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from fields(name, inner)
    if isinstance(schema.get("items"), dict):
        yield from fields(f"{name}[]", schema["items"])


def objects(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  any JSON
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for each in node if isinstance(node, list) else ():
        yield from objects(each)


def referenced(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_no_schema_uses_keywords_that_generators_reject(document: dict[str, Any]) -> None:
    keywords = {"not", "itemSchema", "if", "dependentSchemas", "patternProperties", "unevaluatedProperties"}
    assert [each for each in objects(document["components"]["schemas"]) if keywords & each.keys()] == []
    assert [each for each in objects(document["paths"]) if "itemSchema" in each] == []


def test_every_schema_and_every_field_has_a_description(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []
    every = [each for name, schema in schemas.items() for each in fields(name, schema)]
    assert len(every) > 40
    assert [path for path, each in every if not each.get("description") and "$ref" not in each] == []


def test_every_parameter_has_a_description_and_can_be_sent(operations: list[Part]) -> None:
    for name, operation in operations:
        for parameter in operation.get("parameters", ()):
            assert parameter["description"].endswith("."), (name, parameter["name"])
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), (name, parameter["name"])


def test_response_schemas_allow_fields_of_later_versions(document: dict[str, Any], responses: list[Part]) -> None:
    contents = [each for _, response in responses for each in response.get("content", {}).values()]
    names = set[str]()
    todo = [each["schema"] for each in contents]
    while todo:
        found = {ref.rpartition("/")[2] for each in objects(todo.pop()) if isinstance(ref := each.get("$ref"), str)}
        todo += [document["components"]["schemas"][name] for name in found - names]
        names |= found
    assert {"Session", "Message", "Problem"} <= names
    closed = [
        name
        for name in sorted(names)
        for each in objects(document["components"]["schemas"][name])
        if each.get("additionalProperties") is False
    ]
    assert closed == []


def test_every_response_has_a_description_of_its_own(responses: list[Part]) -> None:
    for name, response in responses:
        assert response["description"].endswith("."), name
        assert response["description"] not in {"Successful Response", "Additional Response"}, name


def test_every_response_documents_the_request_id(document: dict[str, Any], responses: list[Part]) -> None:
    reference = {"$ref": "#/components/headers/X-Request-ID"}
    assert [name for name, response in responses if response["headers"]["X-Request-ID"] != reference] == []
    for header in objects(document["components"]["headers"]):
        assert "schema" not in header or header["description"]
    headers = [each for _, response in responses for each in response["headers"].values()]
    assert [each for each in headers if "$ref" not in each and not each["description"]] == []


def test_every_429_and_503_documents_when_to_retry(responses: list[Part]) -> None:
    retried = [(name, each) for name, each in responses if name.endswith((" 429", " 503"))]
    assert len(retried) > 10
    assert [name for name, each in retried if "Retry-After" not in each["headers"]] == []


def examples(media: dict[str, Any], document: dict[str, Any]) -> list[Any]:
    """Return the examples of a body; they may be those of its schema."""
    if "examples" in media:
        return [each["value"] for each in media["examples"].values()]
    if "example" in media:
        return [media["example"]]
    schemas = media["schema"].get("anyOf", [media["schema"]])
    return [example for each in schemas for example in referenced(each, document).get("examples", [])]


def test_every_request_body_has_an_example_that_is_valid(document: dict[str, Any], operations: list[Part]) -> None:
    for name, operation in operations:
        for media in operation.get("requestBody", {}).get("content", {}).values():
            shown = examples(media, document)
            assert shown, name
            for example in shown:
                OAS31Validator({**media["schema"], "components": document["components"]}).validate(example)


def test_every_response_body_has_an_example_that_is_valid_and_complete(
    document: dict[str, Any], responses: list[Part]
) -> None:
    for name, response in responses:
        for media in response.get("content", {}).values():
            shown = examples(media, document)
            assert shown, name
            for example in shown:
                validate(example, media["schema"], document)


def test_the_document_lists_every_problem_type_that_a_response_can_have(
    document: dict[str, Any], responses: list[Part]
) -> None:
    shown = {
        example["value"]["type"]
        for _, response in responses
        for example in response.get("content", {}).get(PROBLEM, {}).get("examples", {}).values()
    }
    assert {"urn:chat-sessions:session-not-found", "urn:chat-sessions:invalid-request"} <= shown
    for name in ("Problem", "ValidationProblem"):
        description = document["components"]["schemas"][name]["properties"]["type"]["description"]
        listed = re.findall(r"^\* `(urn:[^`]+)` \(\d{3}\): .+$", description, re.MULTILINE)
        assert sorted(listed) == sorted(shown)


def test_a_problem_in_an_example_has_the_type_and_detail_of_its_error(responses: list[Part]) -> None:
    for name, response in responses:
        for kind, example in response.get("content", {}).get(PROBLEM, {}).get("examples", {}).items():
            error = errors.BadRequest if kind == "InvalidRequest" else getattr(errors, kind)
            assert (str(error.status.value), error.detail) == (name.rpartition(" ")[2], example["value"]["detail"])


def test_the_introduction_names_the_limits_and_their_settings(document: dict[str, Any]) -> None:
    introduction = " ".join(document["info"]["description"].split())
    default = {name: field.default for name, field in Settings.model_fields.items()}
    assert f"{size_in_words(default['max_body_bytes'])} (`CHAT_MAX_BODY_BYTES`)" in introduction
    assert f"{size_in_words(default['max_message_bytes'])} (`CHAT_MAX_MESSAGE_BYTES`)" in introduction
    assert f"{size_in_words(default['max_metadata_bytes'])} (`CHAT_MAX_METADATA_BYTES`)" in introduction
    assert (
        f"{default['feed_streams_per_user']} event streams at the same time (`CHAT_FEED_STREAMS_PER_USER`)"
        in introduction
    )
    assert f"{MAX_VALUES:,} JSON values" in introduction
    assert f"{MAX_DEPTH} levels" in introduction


def test_the_introduction_names_only_settings_that_exist(document: dict[str, Any]) -> None:
    named = set(re.findall(r"CHAT_([A-Z_]*[A-Z])", document["info"]["description"]))
    assert named
    assert {each.lower() for each in named} <= Settings.model_fields.keys()


def test_the_role_of_a_message_is_described_once(document: dict[str, Any]) -> None:
    reference = {"$ref": "#/components/schemas/Role"}
    schemas = document["components"]["schemas"]
    assert schemas["Message"]["properties"]["role"] == schemas["NewMessage"]["properties"]["role"] == reference


async def test_every_event_of_the_stream_is_a_session_event(
    service: Service, ada: Caller, document: dict[str, Any]
) -> None:
    kinds = set[str]()
    async with on_a_socket(service) as url, following(url, last_event_id="unknown") as listener:
        created = await ada.create()
        await ada.change(created["id"], is_pinned=True)
        await ada.delete(created["id"])
        while "session.deleted" not in kinds:
            received = await listener.next()
            assert received is not None
            validate(received.data, {"$ref": "#/components/schemas/SessionEvent"}, document)
            kinds.add(received.data["type"])
    described = document["components"]["schemas"]["SessionEvent"]["properties"]["type"]["enum"]
    assert kinds <= set(described)
