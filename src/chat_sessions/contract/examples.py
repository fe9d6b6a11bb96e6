"""Examples of the bodies of requests and responses, by schema, for the OpenAPI document."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

ID: Final = "3f1c8f0e-7a55-4f8e-9d3c-0a6b1f2e4d5c"
START: Final[Mapping[str, Any]] = {"role": "user", "content": "Where do I start?"}

SUMMARY: Final[Mapping[str, Any]] = {
    "id": ID,
    "user_id": "ada",
    "title": "Trip to Lisbon",
    "created_at": "2026-11-25T09:30:00Z",
    "updated_at": "2026-11-25T09:31:12.345Z",
    "is_pinned": False,
    "is_archived": False,
    "metadata": {"model": "small", "project": None},
}
MESSAGE: Final[Mapping[str, Any]] = {
    "id": "0b9d2c58-6a3e-4d5e-8f0a-1c2b3d4e5f60",
    "sequence": 0,
    "created_at": "2026-11-25T09:31:12.345Z",
    "role": "user",
    "content": "Where do I start?",
    "name": None,
    "tool_call_id": None,
    "refusal": None,
    "tool_calls": None,
    "function_call": None,
    "metadata": {},
}
SESSION: Final[Mapping[str, Any]] = {
    **SUMMARY,
    "has_more_messages": False,
    "oldest_sequence": 0,
    "messages": [MESSAGE],
}
FOUND: Final[Mapping[str, Any]] = {
    "sequence": 7,
    "role": "assistant",
    "snippet": "…the ferry to Cacilhas leaves every 20 minutes, and the view of Lisbon from the other bank is…",
}

EXAMPLES: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "NewSession": [
        {"title": "Trip to Lisbon", "messages": [START]},
        {"id": ID, "metadata": {"model": "small", "project": None}, "messages": [START]},
    ],
    "SessionChange": [
        {"title": "Lisbon in May", "is_pinned": True},
        {"is_archived": True},
        {"metadata": {"model": "large", "project": None}},
    ],
    "BatchDeletion": [
        {"ids": [ID]},
        {"filter": {"updated_before": "2026-01-01T00:00:00Z", "pinned": False}, "dry_run": True},
        {"filter": {"all": True}},
    ],
    "NewMessages": [
        {"messages": [{"role": "user", "content": "What is the capital of Portugal?"}]},
        {"after_sequence": 1, "messages": [{"id": "m2", "role": "assistant", "content": "Lisbon."}]},
    ],
    "SessionSummary": [SUMMARY],
    "SessionList": [{"sessions": [SUMMARY], "total": 1, "next_cursor": None}],
    "SearchResults": [{"results": [{"session": SUMMARY, "message": FOUND}], "next_cursor": None}],
    "SearchResult": [{"session": SUMMARY, "message": FOUND}, {"session": SUMMARY, "message": None}],
    "FoundMessage": [FOUND],
    "Session": [SESSION],
    "Message": [MESSAGE],
    "AppendedMessages": [{"messages": [MESSAGE]}],
    "BatchDeleted": [{"deleted": [ID], "not_found": [], "count": 1}],
    "SessionEvent": [{"type": "session.deleted", "id": ID}, {"type": "reset", "id": None}],
    "StreamOpened": [{"type": "opened", "id": None, "quiet_ms": 86400}],
    "Liveness": [{"status": "ok"}],
    "Readiness": [{"status": "ok", "database": "ok", "cache": "ok"}],
}
