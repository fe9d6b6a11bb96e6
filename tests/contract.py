"""Validates every response in the tests against the OpenAPI document."""

import re
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
# The check of each keyword, given a value and the schema's argument.
KEYWORDS: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, wanted: (
        isinstance(value, TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
    ),
    "enum": lambda value, wanted: value in wanted,
    "const": lambda value, wanted: bool(value == wanted),
    "required": lambda value, wanted: set(wanted) <= set(value),
    "pattern": lambda value, wanted: re.search(wanted, value) is not None,
    "minLength": lambda value, wanted: len(value) >= wanted,
    "maxLength": lambda value, wanted: len(value) <= wanted,
}
# Keywords that do not constrain a value. Unknown keywords fail rather than being ignored.
ANNOTATIONS = {"title", "description", "examples", "format", "default"}


def checker(app: FastAPI) -> Callable[[httpx.Response], Awaitable[None]]:
    """Return a response hook for an httpx client."""

    async def check(response: httpx.Response) -> None:
        document = app.openapi()
        operation = _operation(document, response.request)
        if operation is None:
            return
        documented = operation["responses"].get(str(response.status_code))
        assert documented is not None, f"{operation['operationId']} does not document {response.status_code}"
        kind = response.headers.get("content-type", "").partition(";")[0]
        if not documented.get("content"):
            assert not await response.aread(), "a body that is not documented"
        elif kind.endswith("json"):
            assert kind in documented["content"], f"{operation['operationId']} does not document {kind}"
            await response.aread()
            # Lines of JSON are text.
            value = response.text if kind == "application/x-ndjson" else response.json()
            validate(value, documented["content"][kind]["schema"], document)

    return check


def _operation(document: dict[str, Any], request: httpx.Request) -> dict[str, Any] | None:
    for path, operations in document["paths"].items():
        if _pattern(path).fullmatch(request.url.path) and request.method.lower() in operations:
            operation: dict[str, Any] = operations[request.method.lower()]
            return operation
    return None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path))


def validate(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:  # noqa: ANN401  any JSON
    """Fail if the value does not match the schema, as far as our document uses JSON Schema."""
    # Check the type first: the other keywords rely on it.
    for keyword, wanted in sorted(schema.items(), key=lambda item: item[0] != "type"):
        if keyword == "$ref":
            validate(value, document["components"]["schemas"][wanted.rpartition("/")[2]], document)
        elif keyword in {"properties", "additionalProperties", "items"}:
            for part, described in _parts(value, keyword, schema):
                validate(part, described, document)
            # Clients must expect new fields; here, each must be documented.
            others = value.keys() - wanted.keys() if keyword == "properties" else ()
            assert not others or "additionalProperties" in schema, f"{others} is not documented"
        elif keyword == "anyOf":
            assert any(_is_valid(value, each, document) for each in wanted), f"{value!r} matches none of {wanted}"
        else:
            assert _satisfies(value, keyword, wanted), f"{value!r} violates {keyword} {wanted}"


def _satisfies(value: Any, keyword: str, wanted: Any) -> bool:  # noqa: ANN401  any JSON
    assert keyword in KEYWORDS or keyword in ANNOTATIONS, f"{keyword} is not supported"
    return keyword in ANNOTATIONS or KEYWORDS[keyword](value, wanted)


def _parts(value: Any, keyword: str, schema: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:  # noqa: ANN401
    wanted = schema[keyword]
    if keyword == "items":
        yield from ((item, wanted) for item in value)
    elif keyword == "properties":
        yield from ((value[name], wanted[name]) for name in wanted.keys() & value.keys())
    else:
        others = value.keys() - schema.get("properties", {}).keys()
        assert wanted is not False or not others, f"{others} is not documented"
        yield from ((value[name], wanted) for name in others if isinstance(wanted, dict))


def _is_valid(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> bool:  # noqa: ANN401  any JSON
    try:
        validate(value, schema, document)
    except AssertionError:
        return False
    return True
