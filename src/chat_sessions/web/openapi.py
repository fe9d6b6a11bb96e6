"""The OpenAPI document, for people and for generators of clients."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI

from chat_sessions.version import VERSION
from chat_sessions.web import problems

DESCRIPTION: Final[dict[str, Any]] = {
    "title": "chat-sessions",
    "version": VERSION,
    "summary": "Keeps the chat sessions of an AI product, and deletes them for good.",
    "description": (
        "Every call under `/api/chat` needs `Authorization: Bearer <JWT>`; its `sub` is the user, who sees and changes "
        "only what is theirs. What is missing and what is somebody else's get the same 404. Errors are "
        "`application/problem+json` (RFC 9457); their `type` says which one it is. Lists and sessions carry an `ETag`: "
        "send it as `If-None-Match` to read only what has changed, and as `If-Match` to change only what you have seen."
    ),
    "license_info": {"name": "MIT", "identifier": "MIT"},
    "openapi_tags": [
        {"name": "sessions", "description": "The sessions of the user whom the token names."},
        {"name": "messages", "description": "What was said in them."},
        {"name": "events", "description": "What changes, as it happens."},
        {"name": "operations", "description": "For operators; without a token."},
    ],
}

FIRST_REDIRECTION = 300
FIRST_ERROR = 400

ITS_ID = {"session_id": "$response.body#/id"}
THE_SAME = {"session_id": "$request.path.session_id"}
UNCHANGED = {"header.if-match": "$response.header.ETag"}

# What can be done next with an answer: of a call, the call, with which parameters, and what for.
LINKS: Final[Mapping[str, Sequence[tuple[str, Mapping[str, str], str]]]] = {
    "listSessions": (
        ("listSessions", {"cursor": "$response.body#/next_cursor"}, "The next page, unless `next_cursor` is null."),
    ),
    "createSession": (
        ("getSession", ITS_ID, "Open it."),
        ("changeSession", {**ITS_ID, **UNCHANGED}, "Rename or pin it, unless somebody has changed it since."),
        ("appendMessages", ITS_ID, "Append messages."),
        ("deleteSession", ITS_ID, "Delete it."),
    ),
    "getSession": (
        ("getSession", {**ITS_ID, "before_sequence": "$response.body#/oldest_sequence"}, "Older messages."),
        ("changeSession", {**ITS_ID, **UNCHANGED}, "Rename or pin it, unless somebody has changed it since."),
        ("appendMessages", ITS_ID, "Append messages."),
        ("deleteSession", {**ITS_ID, **UNCHANGED}, "Delete it, unless somebody has changed it since."),
    ),
    "changeSession": (
        ("getSession", ITS_ID, "Open it."),
        ("deleteSession", ITS_ID, "Delete it."),
    ),
    "appendMessages": (
        ("getSession", THE_SAME, "Open the session."),
        ("appendMessages", THE_SAME, "Append more."),
        ("deleteSession", THE_SAME, "Delete the session."),
    ),
    "deleteSession": (
        ("getSession", THE_SAME, "404 from now on."),
        ("changeSession", THE_SAME, "404 from now on."),
        ("appendMessages", THE_SAME, "404 from now on."),
        ("deleteSession", THE_SAME, "404 from now on."),
    ),
}


def install(app: FastAPI) -> None:
    """Let the app describe itself; errors are documented under the media type that they are sent with."""
    generate = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            for path in generate()["paths"].values():
                for operation in path.values():
                    _name_problem_type(operation["responses"])
                    _link(operation)
        return generate()

    # FastAPI's own way to extend the document.
    app.openapi = described  # type: ignore[method-assign]


def _name_problem_type(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if int(status) >= FIRST_ERROR:
            # FastAPI gives every answer of a route the media type of its success.
            (described,) = response["content"].values()
            response["content"] = {problems.MEDIA_TYPE: described}


def _link(operation: dict[str, Any]) -> None:
    links = {
        target: {"operationId": target, "parameters": parameters, "description": description}
        for target, parameters, description in LINKS.get(operation["operationId"], ())
    }
    for status, response in operation["responses"].items():
        if links and int(status) < FIRST_REDIRECTION:
            response["links"] = links


def render(app: FastAPI) -> str:
    """Return the document as it is committed."""
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"
