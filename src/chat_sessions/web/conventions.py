"""What all operations of the OpenAPI document have in common, so that no route repeats it."""

from collections.abc import Iterator
from typing import Any, Final, cast

from chat_sessions.contract.examples import EXAMPLES

REQUEST_ID: Final = "X-Request-ID"
HEADERS: Final[dict[str, Any]] = {
    REQUEST_ID: {
        "description": "Identifies the request in the service's log: yours, if you sent one, otherwise a new one.",
        "required": True,
        "schema": {"type": "string"},
        "example": "3b0e1f2c9d4a4b0f8a6e5d7c1b2f3a49",
    }
}
JSON: Final = "application/json"
NULL: Final = {"type": "null"}


def apply(document: dict[str, Any]) -> None:
    """Complete a document that FastAPI has generated."""
    document["components"]["headers"] = HEADERS
    for operation in operations(document):
        # Without it, the operation would have the document's default.
        operation.setdefault("security", [])
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _sendable(parameter["schema"])
        for response in operation["responses"].values():
            _use_own_media_type(response)
            response.setdefault("headers", {})[REQUEST_ID] = {"$ref": f"#/components/headers/{REQUEST_ID}"}
    for name, schema in document["components"]["schemas"].items():
        # FastAPI drops nulls from examples.
        if name in EXAMPLES:
            schema["examples"] = EXAMPLES[name]
        for field in (schema, *schema.get("anyOf", ())):
            for described in field.get("properties", {}).values():
                # Only repeats the name.
                described.pop("title", None)


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every operation of a document."""
    for path in document["paths"].values():
        yield from path.values()


def _sendable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter without null, which URLs and headers cannot express."""
    others = [each for each in schema.get("anyOf", ()) if each != NULL]
    (only,) = others if len(others) == 1 else ({"anyOf": others} if others else {},)
    return {**only, **{name: each for name, each in schema.items() if name not in {"anyOf", "title", "description"}}}


def _use_own_media_type(response: dict[str, Any]) -> None:
    """Move the schema of a model, which FastAPI declares as JSON, to the route's own media type."""
    content = cast("dict[str, dict[str, Any]]", response.get("content", {}))
    if len(content) > 1:
        schema = content.pop(JSON)
        (own,) = content.values()
        own.update(schema)
