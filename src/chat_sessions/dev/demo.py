"""The demo user's chats, with some for every group of the sidebar."""

import json
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final, LiteralString

from chat_sessions.contract.schemas import NewSession
from chat_sessions.store import rows
from chat_sessions.store.prisma.client import BridgedPrisma
from chat_sessions.store.prisma.options import EngineOptions
from chat_sessions.store.session_store import SessionStore

USER = "demo"

AGE: Final[LiteralString] = """
UPDATE "ChatSession" SET "isPinned" = $3,
    "createdAt" = now() - make_interval(secs => $4::float8), "updatedAt" = now() - make_interval(secs => $4::float8)
WHERE "userId" = $1 AND "id" = $2
"""


async def seed(database_url: str) -> None:
    """Create the demo user's chats; the newest is minutes old."""
    chats: list[dict[str, Any]] = json.loads(files("chat_sessions.dev").joinpath("demo.json").read_text())
    async with BridgedPrisma(EngineOptions(database_url)) as prisma:
        store = SessionStore(prisma)
        for chat in chats:
            age = timedelta(hours=chat.pop("age_hours"))
            is_pinned = chat.pop("is_pinned")
            new = NewSession.model_validate(chat)
            created = await store.create(USER, new, rows.array(map(rows.record, new.messages)))
            await prisma.execute_raw(AGE, USER, created.id, is_pinned, age.total_seconds())
