"""A client for chat-sessions, the service that stores the chat sessions of an AI product."""

from chat_sessions_client.client import ChatSessions
from chat_sessions_client.connection import Token
from chat_sessions_client.conversation import Conversation, as_sent
from chat_sessions_client.errors import (
    ChatSessionsError,
    Conflict,
    NotFound,
    PreconditionFailed,
    Problem,
    Unreachable,
)
from chat_sessions_client.schemas import (
    BatchDeleted,
    Changes,
    DeletionFilter,
    Event,
    Filter,
    FoundMessage,
    Message,
    SearchPage,
    SearchResult,
    Session,
    SessionPage,
    Summary,
)

__all__ = [
    "BatchDeleted",
    "Changes",
    "ChatSessions",
    "ChatSessionsError",
    "Conflict",
    "Conversation",
    "DeletionFilter",
    "Event",
    "Filter",
    "FoundMessage",
    "Message",
    "NotFound",
    "PreconditionFailed",
    "Problem",
    "SearchPage",
    "SearchResult",
    "Session",
    "SessionPage",
    "Summary",
    "Token",
    "Unreachable",
    "as_sent",
]
