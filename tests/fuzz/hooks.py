"""What no JSON Schema can say: then the service is right to refuse what fits the document."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

UNSAYABLE = (
    # A cursor is opaque.
    "The cursor is damaged",
    # One parameter decides what another one may be.
    "The cursor belongs to a list in another order",
    "Use either `cursor` or `offset`",
    # `uniqueItems` compares whole messages, not their ids.
    "Value error, two messages must not have the same id",
)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:  # noqa: ARG001
    """Keep a failure unless the refusal has no other reason than these."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 422:
        return True
    return not all(error["msg"].startswith(UNSAYABLE) for error in response.json()["errors"])


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:  # noqa: ANN401, ARG001  any JSON
    """Let a message have its id only if it is the first one with it, or most of what is sent would be refused."""
    messages = body.get("messages") if isinstance(body, dict) else None
    ids = set[str]()
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and isinstance(message.get("id"), str):
            if message["id"] in ids:
                del message["id"]
            else:
                ids.add(message["id"])
    return body
