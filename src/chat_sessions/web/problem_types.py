"""The problem types that the OpenAPI document shows as examples, as a list in the description of `Problem.type`."""

from collections.abc import Iterator
from typing import Any

from chat_sessions.web import conventions
from chat_sessions.web.problem_responses import MEDIA_TYPE

OTHERS = """
* `about:blank`: nothing beyond the status. 404 and 405 for an unknown path or method, 400, 408 and 431 for a request
  that is not valid HTTP, too slow or too large, 500 for a fault of the service"""


def list_all(document: dict[str, Any]) -> None:
    """Add the list, in the order of the statuses, to the schemas of problems."""
    types = {each["type"]: each for each in _examples(document)}.values()
    listed = "\n".join(f"* `{each['type']}` ({each['status']}): {each['detail']}" for each in sorted(types, key=_order))
    for schema in ("Problem", "ValidationProblem"):
        field = document["components"]["schemas"][schema]["properties"]["type"]
        field["description"] += f"\n\n{listed}{OTHERS}"


def _order(problem: dict[str, Any]) -> tuple[int, str]:
    return problem["status"], problem["type"]


def _examples(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operation in conventions.operations(document):
        for response in operation["responses"].values():
            for example in response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}).values():
                yield example["value"]
