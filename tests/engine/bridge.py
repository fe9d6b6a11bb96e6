"""Shared by the bridge's tests."""

from typing import Protocol

from prisma import Json, Prisma
from prisma.models import ChatSession
from prisma.types import ChatSessionWhereUniqueInput


class MakeDatabase(Protocol):
    """Creates an empty or migrated database on the shared server, and returns its URL."""

    async def __call__(self, name: str, *, migrated: bool = False) -> str: ...


class Statements(list[str]):
    """SQL in the order in which it was sent."""

    @property
    def verbs(self) -> list[str]:
        """The first word of each."""
        return [statement.split()[0] for statement in self]


def of_ada(key: str) -> ChatSessionWhereUniqueInput:
    return {"userId_id": {"userId": "ada", "id": key}}


async def new_session(db: Prisma, key: str, user: str = "ada", title: str | None = None) -> ChatSession:
    return await db.chatsession.create(data={"id": key, "userId": user, "title": title})


async def new_messages(db: Prisma, session: str, count: int) -> int:
    return await db.chatmessage.create_many(
        data=[
            {
                "userId": "ada",
                "id": f"m{n}",
                "sessionId": session,
                "role": "user",
                "sequence": n,
                "body": Json.keys(content=f"word {n}"),
            }
            for n in range(count)
        ],
    )
