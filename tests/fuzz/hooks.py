"""Constraints that JSON Schema cannot express, for which the service may reject valid input."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.checks import RejectedPositiveData

INEXPRESSIBLE = (
    # A cursor is opaque.
    "The cursor is damaged",
    # One parameter constrains another.
    "The cursor belongs to a list in another order",
    "Use either `cursor` or `offset`",
    "The `id` in the body must be the one in the path",
    # A `oneOf` would make two types of one filter.
    "must not combine all with other criteria",
    # JSON in a query parameter is a string.
    "`metadata` must be a JSON object",
    # A `not` would crash client generators.
    "sequence is set by the service",
    "created_at is set by the service",
    # `uniqueItems` compares whole messages, not their ids.
    "two messages must not have the same id",
)


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:  # noqa: ARG001
    """Declare as OpenAPI 3.2 does that the schema of an event stream describes the `data` of each event."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                stream = response.get("content", {}).get("text/event-stream")
                if stream is not None:
                    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": stream["schema"]}
                    stream["itemSchema"] = {"type": "object", "properties": {"data": data}}
                    del stream["schema"]


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:  # noqa: ARG001
    """Drop a failure that only these constraints or empty query parameters have caused."""
    if isinstance(failure, AcceptedNegativeData):
        return not _is_valid_without_empty_parameters(case, response)
    if isinstance(failure, RejectedPositiveData) and response.status_code == 422:
        return not all(error["msg"].startswith(INEXPRESSIBLE) for error in response.json()["errors"])
    return True


def _is_valid_without_empty_parameters(case: Case[Any], response: Response) -> bool:
    """Return whether only empty query parameters, which the service ignores, make this request invalid."""
    negative = [location for location in ParameterLocation if case.meta and case.meta.is_negative_at(location)]
    # As sent: an empty object becomes an empty parameter.
    not_empty = parse_qs(urlsplit(str(response.request.url)).query)
    given = {name: value for name, value in (case.query or {}).items() if name in not_empty}
    parameters = case.operation.get_parameter_set(ParameterLocation.QUERY)
    return negative == [ParameterLocation.QUERY] and parameters.get_strict_validator().is_valid(given)


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:  # noqa: ANN401  any JSON
    """Drop ids that would get most requests rejected: duplicates, and any but the one in the path."""
    if isinstance(body, dict) and context.operation and "{message_id}" in context.operation.path:
        body.pop("id", None)
    messages = body.get("messages") if isinstance(body, dict) else None
    ids = set[str]()
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and isinstance(message.get("id"), str):
            if message["id"] in ids:
                del message["id"]
            else:
                ids.add(message["id"])
    return body
