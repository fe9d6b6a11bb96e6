"""The OpenAPI document."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI

from chat_sessions.version import VERSION
from chat_sessions.web import conventions, problem_types

INTRODUCTION: Final = files("chat_sessions.web").joinpath("introduction.md")

DESCRIPTION: Final[dict[str, Any]] = {
    "title": "chat-sessions",
    "version": VERSION,
    "summary": "Keeps the chat sessions of an AI product, and deletes them for good.",
    "description": INTRODUCTION.read_text("utf-8"),
    # Relative to wherever the document comes from.
    "servers": [{"url": "/", "description": "The service that serves this document."}],
    "license_info": {"name": "MIT", "identifier": "MIT"},
    "openapi_tags": [
        {"name": "sessions", "description": "The user's sessions."},
        {"name": "messages", "description": "The messages of a session."},
        {"name": "events", "description": "Changes, as they happen."},
        {"name": "operations", "description": "For operators, without a token."},
    ],
}

FIRST_REDIRECTION = 300

RETURNED_ID = {"session_id": "$response.body#/id"}
SAME_ID = {"session_id": "$request.path.session_id"}
IF_UNCHANGED = {"header.If-Match": "$response.header.ETag"}

# OpenAPI links by operation: target operation, parameters, description.
LINKS: Final[Mapping[str, Sequence[tuple[str, Mapping[str, str], str]]]] = {
    "listSessions": (
        ("listSessions", {"cursor": "$response.body#/next_cursor"}, "The next page, unless `next_cursor` is null."),
    ),
    "searchSessions": (
        ("searchSessions", {"cursor": "$response.body#/next_cursor"}, "The next page, unless `next_cursor` is null."),
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
        ("replaceMessage", {**SAME_ID, "message_id": "$response.body#/messages/0/id"}, "Replace the first of them."),
        ("cutMessages", {**SAME_ID, "from_sequence": "$response.body#/messages/0/sequence"}, "Delete them again."),
        ("deleteSession", SAME_ID, "Delete the session."),
    ),
    "replaceMessage": (
        ("getSession", SAME_ID, "Open the session."),
        ("replaceMessage", {**SAME_ID, **IF_UNCHANGED, "message_id": "$response.body#/id"}, "Replace it again."),
        ("cutMessages", {**SAME_ID, "from_sequence": "$response.body#/sequence"}, "Delete it and all after it."),
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
    """Complete the app's document with links, problem types and the conventions."""
    generate = app.openapi

    def extended() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            conventions.apply(document)
            for operation in conventions.operations(document):
                _add_links(operation)
            problem_types.list_all(document)
        return generate()

    # FastAPI's documented way to extend the document.
    app.openapi = extended  # type: ignore[method-assign]


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
