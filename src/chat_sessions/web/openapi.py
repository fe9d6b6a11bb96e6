"""The OpenAPI document."""

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
        "Every call under `/api/chat` needs `Authorization: Bearer <JWT>`, whose `sub` is the user. Users access only "
        "their own sessions; another user's session is a 404, like a missing one. Errors are "
        "`application/problem+json` (RFC 9457) and identified by `type`. Lists and sessions have an `ETag`: send it as "
        "`If-None-Match` to read only what has changed, or as `If-Match` to update only what you have seen."
    ),
    "license_info": {"name": "MIT", "identifier": "MIT"},
    "openapi_tags": [
        {"name": "sessions", "description": "The user's sessions."},
        {"name": "messages", "description": "The messages of a session."},
        {"name": "events", "description": "Changes, as they happen."},
        {"name": "operations", "description": "For operators, without a token."},
    ],
}

FIRST_REDIRECTION = 300
FIRST_ERROR = 400

RETURNED_ID = {"session_id": "$response.body#/id"}
SAME_ID = {"session_id": "$request.path.session_id"}
IF_UNCHANGED = {"header.if-match": "$response.header.ETag"}

# OpenAPI links by operation: target operation, parameters, description.
LINKS: Final[Mapping[str, Sequence[tuple[str, Mapping[str, str], str]]]] = {
    "listSessions": (
        ("listSessions", {"cursor": "$response.body#/next_cursor"}, "The next page, unless `next_cursor` is null."),
    ),
    "createSession": (
        ("getSession", RETURNED_ID, "Open it."),
        ("changeSession", {**RETURNED_ID, **IF_UNCHANGED}, "Rename or pin it, unless it has changed since."),
        ("appendMessages", RETURNED_ID, "Append messages."),
        ("deleteSession", RETURNED_ID, "Delete it."),
    ),
    "getSession": (
        ("getSession", {**RETURNED_ID, "before_sequence": "$response.body#/oldest_sequence"}, "Older messages."),
        ("changeSession", {**RETURNED_ID, **IF_UNCHANGED}, "Rename or pin it, unless it has changed since."),
        ("appendMessages", RETURNED_ID, "Append messages."),
        (
            "cutMessages",
            {**RETURNED_ID, **IF_UNCHANGED, "from_sequence": "$response.body#/oldest_sequence"},
            "Delete these messages, unless the session has changed since.",
        ),
        ("deleteSession", {**RETURNED_ID, **IF_UNCHANGED}, "Delete it, unless it has changed since."),
    ),
    "changeSession": (
        ("getSession", RETURNED_ID, "Open it."),
        ("deleteSession", RETURNED_ID, "Delete it."),
    ),
    "appendMessages": (
        ("getSession", SAME_ID, "Open the session."),
        ("appendMessages", SAME_ID, "Append more."),
        ("cutMessages", {**SAME_ID, "from_sequence": "$response.body#/messages/0/sequence"}, "Take them back."),
        ("deleteSession", SAME_ID, "Delete the session."),
    ),
    "cutMessages": (
        ("getSession", SAME_ID, "Open the session."),
        ("appendMessages", SAME_ID, "Append messages in their place."),
    ),
    "deleteSession": (
        ("getSession", SAME_ID, "404 from now on."),
        ("changeSession", SAME_ID, "404 from now on."),
        ("appendMessages", SAME_ID, "404 from now on."),
        ("cutMessages", {**SAME_ID, "from_sequence": "0"}, "404 from now on."),
        ("deleteSession", SAME_ID, "404 from now on."),
    ),
}


def install(app: FastAPI) -> None:
    """Add links, and the media type of errors, to the app's document."""
    generate = app.openapi

    def extended() -> dict[str, Any]:
        if app.openapi_schema is None:
            for path in generate()["paths"].values():
                for operation in path.values():
                    _set_problem_media_type(operation["responses"])
                    _add_links(operation)
        return generate()

    # FastAPI's documented way to extend the document.
    app.openapi = extended  # type: ignore[method-assign]


def _set_problem_media_type(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if int(status) >= FIRST_ERROR:
            # FastAPI gives errors the media type of the route's success.
            (content,) = response["content"].values()
            response["content"] = {problems.MEDIA_TYPE: content}


def _add_links(operation: dict[str, Any]) -> None:
    links = {
        target: {"operationId": target, "parameters": parameters, "description": description}
        for target, parameters, description in LINKS.get(operation["operationId"], ())
    }
    for status, response in operation["responses"].items():
        if links and int(status) < FIRST_REDIRECTION:
            response["links"] = links


def render(app: FastAPI) -> str:
    """Return the document in the format of openapi.json."""
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"
